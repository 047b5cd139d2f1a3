// The values of fields: ranges, dates, structured fields, names.
#include <gtest/gtest.h>

#include "http/media_type.h"
#include "http/ranges.h"
#include "http/structured_fields.h"
#include "http/syntax.h"
#include "http/target.h"
#include "http/time.h"

namespace sluice::http {
namespace {

using kind = range_answer::kind;

TEST(ranges, are_within_the_file) {
  const auto parts = [](std::string_view field, std::uint64_t size) {
    return parse_range(field, size).parts;
  };
  using list = std::vector<byte_range>;
  EXPECT_EQ(parts("bytes=0-0", 10), (list{{0, 1}}));
  EXPECT_EQ(parts("bytes=9-", 10), (list{{9, 1}}));
  EXPECT_EQ(parts("bytes=-3", 10), (list{{7, 3}}));
  EXPECT_EQ(parts("bytes=-99", 10), (list{{0, 10}}));
  EXPECT_EQ(parts("Bytes=5-6,0-1 , 3-3", 10), (list{{5, 2}, {0, 2}, {3, 1}}));
  EXPECT_EQ(parts("bytes=2-99999999999999999999", 10), (list{{2, 8}}));
}

TEST(ranges, that_cannot_be) {
  for (const auto* field :
       {"bytes=10-", "bytes=-0", "bytes=0-1,1-2", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(parse_range(field, 10).what, kind::unsatisfiable) << field;
  }
  for (const auto* field :
       {"", "bytes", "bytes=", "bytes=,", "bytes=a-", "bytes=1-0", "lines=1-2", "bytes=--1"}) {
    EXPECT_EQ(parse_range(field, 10).what, kind::whole) << field;
  }
  EXPECT_EQ(parse_range("bytes=0-", 0).what, kind::whole);
}

TEST(dates, are_written_and_read) {
  constexpr std::int64_t then = 784111777;
  EXPECT_EQ(http_date(then), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const auto* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), then) << text;
  }
  for (const auto* text : {"", "0", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
  EXPECT_EQ(iso_time(1'000'000'000'000'000'005), "2001-09-09T01:46:40.000000005Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999999999Z");
}

TEST(structured_fields, of_a_dictionary) {
  const auto all = parse_sf_dictionary("a=1, b;x=2,\tc=\"q\\\"\", d=:aGk=:, e=?0, f=tok/en, a=-5");
  ASSERT_TRUE(all);
  EXPECT_EQ(std::get<std::int64_t>(*find_member(*all, "a")), -5);
  EXPECT_EQ(std::get<bool>(*find_member(*all, "b")), true);
  EXPECT_EQ(std::get<std::string>(*find_member(*all, "c")), "q\"");
  EXPECT_EQ(std::get<sf_bytes>(*find_member(*all, "d")).bytes, "hi");
  EXPECT_EQ(std::get<bool>(*find_member(*all, "e")), false);
  EXPECT_EQ(std::get<sf_token>(*find_member(*all, "f")).text, "tok/en");
  EXPECT_EQ(find_member(*all, "g"), nullptr);
  for (const auto* text : {"a=1,", "A=1", "a=", "a=1 b=2", "a=\"", "a=:x:", "a=1.5", "a=?2", "a;=1",
                           "a=1234567890123456"}) {
    EXPECT_EQ(parse_sf_dictionary(text), std::nullopt) << text;
  }
}

TEST(base64, is_strict) {
  for (const std::string bytes : {"", "a", "ab", "abc", "\xff\xfe\xfd\xfc"}) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
  for (const auto* text : {"a", "ab", "abc", "a===", "aGk", "aGl=", "aG k", "====", "aGk=aGk="}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
}

TEST(names, for_old_and_new_clients) {
  EXPECT_EQ(disposition("a b.mp4", true), "inline; filename=\"a b.mp4\"");
  EXPECT_EQ(disposition("\"x\"\\%.mp4", false),
            "attachment; filename=\"_x___.mp4\"; filename*=UTF-8''%22x%22%5C%25.mp4");
  EXPECT_EQ(disposition("日.mp4", false),
            "attachment; filename=\"_.mp4\"; filename*=UTF-8''%E6%97%A5.mp4");
  EXPECT_EQ(media_type_of("A.MP4").name, "video/mp4");
  EXPECT_FALSE(media_type_of("a.svg").is_inline);
  EXPECT_FALSE(media_type_of("a.html").is_inline);
  EXPECT_EQ(media_type_of("none").name, "application/octet-stream");
}

TEST(lists, have_elements) {
  std::string_view list = " a ,, \"b,c\\\"\",d";
  EXPECT_EQ(take_element(list), "a");
  EXPECT_EQ(take_element(list), "\"b,c\\\"\"");
  EXPECT_EQ(take_element(list), "d");
  EXPECT_EQ(take_element(list), std::nullopt);
}

TEST(targets, keep_what_they_escape) {
  EXPECT_EQ(percent_encode_path("/files/a b/日%.mp4"), "/files/a%20b/%E6%97%A5%25.mp4");
  const std::string name = "/x/!\"#$&'()*+,;=:@[]^`{|}~ \u00e9";
  EXPECT_EQ(parse_target(percent_encode_path(name))->path, name);
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(host_of("EXAMPLE.org"), "example.org");
  EXPECT_EQ(host_of("a:b"), std::nullopt);
}

// A path that is plain is taken as it is. Behind "?" no path is plain: each is looked at part by
// part then, and has to mean the same.
TEST(targets, are_the_same_whether_plain_or_not) {
  constexpr std::string_view letters = "/.a-%\\";
  std::vector<std::string> texts{""};
  std::size_t good = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = texts[i];
    const auto plain = parse_target(text);
    const auto looked_at = parse_target(text + "?");
    ASSERT_EQ(plain.has_value(), looked_at.has_value()) << text;
    if (plain) {
      EXPECT_EQ(plain->path, looked_at->path) << text;
      ++good;
    }
    if (text.size() == 6) continue;
    for (const char letter : letters) texts.push_back(text + letter);
  }
  EXPECT_GT(good, 100U);
}

}  // namespace
}  // namespace sluice::http
