#include "http/resumable_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

request asking(std::initializer_list<std::pair<const char*, const char*>> fields) {
  request made;
  for (const auto& [name, value] : fields) made.fields.insert(name, value);
  return made;
}

TEST(resumable_fields, are_read_as_structured_fields) {
  const auto read = read_resumable_fields(asking({{"Upload-Complete", "?1"},
                                                  {"Upload-Offset", "25"},
                                                  {"Upload-Length", "999999999999999"},
                                                  {"Upload-Draft-Interop-Version", "8"}}));
  EXPECT_EQ(read.complete, true);
  EXPECT_EQ(read.offset, 25U);
  EXPECT_EQ(read.length, resumable_bytes_max);
  EXPECT_TRUE(read.is_our_version);
}

TEST(resumable_fields, that_are_malformed_are_as_if_absent) {
  for (const char* value : {"", "1", "?2", "yes", "?1, ?1"}) {
    EXPECT_FALSE(read_resumable_fields(asking({{"Upload-Complete", value}})).complete) << value;
  }
  for (const char* value : {"", "-1", "1.5", "?1", "\"1\"", "1000000000000000", "1, 1"}) {
    const auto read = read_resumable_fields(asking({{"Upload-Offset", value},
                                                    {"Upload-Length", value},
                                                    {"Upload-Draft-Interop-Version", value}}));
    EXPECT_FALSE(read.offset || read.length || read.is_our_version) << value;
  }
}

TEST(resumable_fields, twice_are_as_if_absent) {
  const auto read = read_resumable_fields(asking({{"Upload-Offset", "1"}, {"Upload-Offset", "2"}}));
  EXPECT_FALSE(read.offset);
}

TEST(resumable_fields, tell_the_length_in_two_ways_that_must_agree) {
  auto asked = asking({});
  asked.has_body = true;
  asked.content_length = 5;
  resumable_fields fields;
  EXPECT_EQ(announced_length(fields, asked, 10).value(), std::nullopt);
  fields.complete = false;
  EXPECT_EQ(announced_length(fields, asked, 10).value(), std::nullopt);
  fields.complete = true;
  EXPECT_EQ(announced_length(fields, asked, 10).value(), 15U);
  fields.length = 15;
  EXPECT_EQ(announced_length(fields, asked, 10).value(), 15U);
  fields.length = 16;
  const auto bad = announced_length(fields, asked, 10);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().type, HasSubstr("#inconsistent-upload-length"));
  asked.content_length.reset();  // chunked
  EXPECT_EQ(announced_length(fields, asked, 10).value(), 16U);
  asked.has_body = false;
  EXPECT_FALSE(announced_length(fields, asked, 10));
}

TEST(digest_fields, are_dictionaries_of_bytes) {
  const auto read = parse_digest_field("sha-256=:AAAA:, md5=:AAAA:, sha-512=:AQID:").value();
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].algorithm, "sha-256");
  EXPECT_EQ(read[1].value, "\1\2\3");
  for (const char* text : {"", "sha-256", "sha-256=1", "sha-256=AAAA", "=:AAAA:", "sha-256=:A:"}) {
    EXPECT_FALSE(parse_digest_field(text)) << text;
  }
}

TEST(digest_fields, are_wanted_by_weight) {
  EXPECT_EQ(preferred_algorithm("sha-256=3, sha-512=9, md5=10"), "sha-512");
  EXPECT_EQ(preferred_algorithm("sha-256=1"), "sha-256");
  EXPECT_THAT(preferred_algorithm("sha-256=0, md5=5"), IsEmpty());
  EXPECT_THAT(preferred_algorithm("nonsense;;"), IsEmpty());
}

TEST(upload_resources, are_known_by_their_path) {
  const std::string id(32, '0');
  EXPECT_EQ(resumable_upload_id("/uploads/" + id), id);
  EXPECT_FALSE(resumable_upload_id("/uploads/" + id + "/"));
  EXPECT_FALSE(resumable_upload_id("/uploads/film.mov"));
  EXPECT_FALSE(resumable_upload_id("/tus/" + id));
}

}  // namespace
}  // namespace sluice::http
