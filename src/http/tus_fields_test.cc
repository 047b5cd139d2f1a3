#include "http/tus_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/resumable_digest.h"
#include "http/resumable_note.h"
#include "http/structured_fields.h"

namespace sluice::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const std::string id_a(32, 'a');
const std::string id_b = "0123456789abcdef0123456789abcdef";

TEST(tus_metadata, is_pairs_of_keys_and_base64) {
  EXPECT_THAT(parse_tus_metadata("filename YS5tcDQ=").value(),
              ElementsAre(Pair("filename", "a.mp4")));
  EXPECT_THAT(parse_tus_metadata("a YQ==,b,c ,d AAH/").value(),
              ElementsAre(Pair("a", "a"), Pair("b", ""), Pair("c", ""),
                          Pair("d", std::string("\0\1\xff", 3))));
}

TEST(tus_metadata, is_strict) {
  for (const char* text :
       {"", ",", "a YQ", "a YR==", "a  YQ==", "a YQ==,", ",a YQ==", "a YQ==,a Yg==", "a,a",
        "a Y Q==", "a YQ==\n", "\xc3\xa9 YQ==", "a\tYQ==", "a YQ==,,b"}) {
    EXPECT_FALSE(parse_tus_metadata(text)) << text;
  }
}

TEST(tus_checksum, is_a_name_and_base64) {
  const auto read = parse_tus_checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->algorithm, "sha1");
  EXPECT_EQ(read->value.size(), 20U);
  for (const char* text : {"", "sha1", "sha1 ", " AAAA", "sha1  AAAA", "sha1 AAA", "sha1 AAAA "}) {
    EXPECT_FALSE(parse_tus_checksum(text)) << text;
  }
}

TEST(tus_checksum, is_computed_by_each_algorithm_that_is_offered) {
  for (const auto& [name, size] : {std::pair("sha1", 20U), std::pair("sha256", 32U),
                                   std::pair("sha512", 64U), std::pair("md5", 16U)}) {
    auto digest = content_digest::of(name);
    ASSERT_TRUE(digest) << name;
    digest->update(std::as_bytes(std::span("hello world", 11)));
    const auto value = digest->finish();
    EXPECT_EQ(value.size(), size);
    if (size == 20) {
      EXPECT_EQ(base64_encode(value), "Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
    }
  }
  EXPECT_FALSE(content_digest::of("crc32"));
}

TEST(tus_concat, is_partial_or_final_with_urls) {
  EXPECT_TRUE(parse_tus_concat("partial").value().is_partial);
  const auto read = parse_tus_concat("final;/tus/" + id_a + " https://host:1/tus/" + id_b + "?x#y");
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->is_partial);
  EXPECT_THAT(read->parts, ElementsAre(id_a, id_b));
  for (const std::string& text :
       {std::string(""), std::string("final"), std::string("final;"), std::string("final; "),
        "final;/tus/" + id_a + "  /tus/" + id_b, "final;/files/" + id_a, "final;/tus/" + id_a + "/",
        "final;/tus/" + std::string(32, 'A'), std::string("Partial"),
        std::string("final;http://host")}) {
    EXPECT_FALSE(parse_tus_concat(text)) << text;
  }
}

std::string target(std::string_view below, const tus_metadata& metadata) {
  const auto path = tus_target(below, metadata);
  return path ? path->text() : std::string(to_string(path.error().code));
}

TEST(tus_target, is_made_of_the_url_and_the_metadata) {
  EXPECT_EQ(target("", {{"filename", "a"}}), "a");
  EXPECT_EQ(target("x/y/", {{"filename", "a"}}), "x/y/a");
  EXPECT_EQ(target("x", {{"filename", "a"}, {"folder", "y"}}), "x/y/a");
  EXPECT_EQ(target("", {{"filename", "a"}, {"folder", "/"}}), "a");
  EXPECT_EQ(target("", {{"filename", "a"}, {"relativePath", "y/z/a"}}), "y/z/a");
  EXPECT_EQ(target("", {{"filename", "a"}, {"relativePath", "a"}}), "a");
  EXPECT_EQ(target("x/a", {}), "x/a");
  const auto bad = std::string(to_string(errc::invalid_argument));
  EXPECT_EQ(target("", {}), bad);
  EXPECT_EQ(target("x/", {}), bad);
  EXPECT_EQ(target("", {{"filename", "x/y"}}), bad);
  EXPECT_EQ(target("", {{"filename", "a"}, {"folder", ".."}}), bad);
  EXPECT_EQ(target("", {{"filename", ".a"}}), to_string(errc::not_allowed));
}

TEST(tus_target, has_the_time_that_the_client_told) {
  EXPECT_EQ(tus_mtime_ns({{"lastModified", "1600000000123"}}), 1'600'000'000'123'000'000);
  for (const char* text : {"", "-1", "x", "1.5", "9223372036855"}) {
    EXPECT_FALSE(tus_mtime_ns({{"lastModified", text}})) << text;
  }
  EXPECT_TRUE(tus_mtime_ns({{"lastModified", "9223372036854"}}));
  EXPECT_FALSE(tus_mtime_ns({}));
}

TEST(upload_note, keeps_fields_by_their_names) {
  upload_note note("tus");
  note.add("A", "1 2");
  note.add("B", "");
  note.add("AA", "3");
  const auto read = upload_note::read(note.text(), "tus");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->find("A"), "1 2");
  EXPECT_EQ(read->find("B"), "");
  EXPECT_EQ(read->find("AA"), "3");
  EXPECT_EQ(read->find("tus"), "");
  EXPECT_FALSE(upload_note::read(note.text(), "tu"));
  EXPECT_FALSE(upload_note::read("", "tus"));
}

TEST(upload_id, is_32_lower_case_digits) {
  EXPECT_TRUE(is_upload_id(id_b));
  for (const std::string& text : {std::string(), std::string(31, 'a'), std::string(33, 'a'),
                                  std::string(32, 'A'), std::string(32, 'g')}) {
    EXPECT_FALSE(is_upload_id(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::http
