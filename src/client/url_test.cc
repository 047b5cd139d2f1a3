#include "client/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::client {
namespace {

using testing::HasSubstr;
using testing::Not;

struct good_case {
  std::string text;
  url value;
};
class good_url : public testing::TestWithParam<good_case> {};

TEST_P(good_url, is_read_and_its_text_reads_back) {
  const auto parsed = parse_url(GetParam().text);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, GetParam().value);
  const auto again = parse_url(parsed->text());
  ASSERT_TRUE(again) << parsed->text() << ": " << again.error().message();
  EXPECT_EQ(*again, *parsed) << parsed->text();
}

INSTANTIATE_TEST_SUITE_P(
    urls, good_url,
    testing::Values(good_case{"sluice://host", {"host", 8080, ""}},
                    good_case{"sluice://host/", {"host", 8080, ""}},
                    good_case{"sluice://host:/", {"host", 8080, ""}},
                    good_case{"sluice://host:1/a", {"host", 1, "a"}},
                    good_case{"sluice://host:65535/a/b.mp4", {"host", 65535, "a/b.mp4"}},
                    good_case{"sluice://host/folder/", {"host", 8080, "folder/"}},
                    good_case{"sluice://host//a///b//", {"host", 8080, "a/b/"}},
                    good_case{"sluice://127.0.0.1:9000/a", {"127.0.0.1", 9000, "a"}},
                    good_case{"sluice://[::1]:9000/a", {"::1", 9000, "a"}},
                    good_case{"sluice://[2001:db8::1]/a", {"2001:db8::1", 8080, "a"}},
                    good_case{"sluice://host/电影/第 1 集.mp4", {"host", 8080, "电影/第 1 集.mp4"}},
                    good_case{"sluice://host/%E7%94%B5/a%20b", {"host", 8080, "电/a b"}},
                    good_case{"sluice://host/100%25.mp4", {"host", 8080, "100%.mp4"}},
                    good_case{"sluice://host/a%2541", {"host", 8080, "a%41"}},
                    good_case{"sluice://host/a%3Fb%23c", {"host", 8080, "a?b#c"}},
                    good_case{"sluice://host/a+b;c=d&e@f:g", {"host", 8080, "a+b;c=d&e@f:g"}},
                    good_case{"sluice://host/[a] {b} \"c\" <d> ^e|f`",
                              {"host", 8080, "[a] {b} \"c\" <d> ^e|f`"}},
                    good_case{"sluice://host/.../..a", {"host", 8080, ".../..a"}}));

struct bad_case {
  std::string text;
  std::string why;
};
class bad_url : public testing::TestWithParam<bad_case> {};

TEST_P(bad_url, is_refused_with_the_reason_and_the_right_form) {
  const auto parsed = parse_url(GetParam().text);
  ASSERT_FALSE(parsed) << parsed->text();
  EXPECT_EQ(parsed.error().code, errc::invalid_argument);
  EXPECT_THAT(parsed.error().context, HasSubstr(GetParam().why));
  EXPECT_THAT(parsed.error().context, HasSubstr("sluice://HOST[:PORT]/path"));
}

INSTANTIATE_TEST_SUITE_P(
    urls, bad_url,
    testing::Values(
        bad_case{"", "sluice://"}, bad_case{"host/path", "does not begin with"},
        bad_case{"http://host/path", "does not begin with"},
        bad_case{"SLUICE:/host", "does not begin with"}, bad_case{"sluice://", "host is missing"},
        bad_case{"sluice:///path", "host is missing"},
        bad_case{"sluice://:8080/path", "host is missing"},
        bad_case{"sluice://host:0/", "1 to 65535"}, bad_case{"sluice://host:65536/", "1 to 65535"},
        bad_case{"sluice://host:65537/", "1 to 65535"},
        bad_case{"sluice://host:99999/", "1 to 65535"},
        bad_case{"sluice://host:99999999999999999999/", "1 to 65535"},
        bad_case{"sluice://host:-1/", "malformed"}, bad_case{"sluice://host:8o8o/", "malformed"},
        bad_case{"sluice://::1/a", "malformed"}, bad_case{"sluice://[::1/a", "malformed"},
        bad_case{"sluice://[v1.x]/a", "not known"}, bad_case{"sluice://me@host/a", "user name"},
        bad_case{"sluice://me:secret@host/a", "user name"},
        bad_case{"sluice://ho%73t/a", "characters that no host has"},
        bad_case{"sluice://ho st/a", "malformed"}, bad_case{"sluice://host/100%.mp4", "%25"},
        bad_case{"sluice://host/a?b", "%3F"}, bad_case{"sluice://host/a#b", "%23"},
        bad_case{"sluice://host?a", "%3F"}, bad_case{"sluice://host/../a", "'..'"},
        bad_case{"sluice://host/a/./b", "'.'"}, bad_case{"sluice://host/a/%2e%2E/b", "'..'"},
        bad_case{"sluice://host/a%2Fb", "encoded '/'"}, bad_case{"sluice://host/a%00b", "control"},
        bad_case{"sluice://host/a\nb", "control"},
        bad_case{std::string("sluice://host/a\0b", 17), "control"},
        bad_case{"sluice://host/a%1Bb", "control"}, bad_case{"sluice://host/a%FFb", "not UTF-8"},
        bad_case{"sluice://host/a\xFF", "not UTF-8"}));

class secret_in_url : public testing::TestWithParam<std::string> {};

TEST_P(secret_in_url, is_in_no_error) {
  for (const auto& read :
       {parse_url(GetParam()), parse_any(GetParam()), parse_source(GetParam())}) {
    const std::string told = read ? read->text() : read.error().message();
    EXPECT_THAT(told, Not(HasSubstr("geheim")));
  }
  const auto refused = parse_url(GetParam());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, HasSubstr("..."));
  EXPECT_THAT(refused.error().context, HasSubstr("/b@c"));  // the rest is told
}

INSTANTIATE_TEST_SUITE_P(urls, secret_in_url,
                         testing::Values("sluice://me:geheim@host/b@c", "sluice://geheim@host/b@c",
                                         "sluices://me:geheim@my@host/b@c",
                                         "https://me:geheim@host/files/b@c", "me:geheim@host/b@c",
                                         "me:geheim@host/b@c://", "sluice://host/b@c#link=geheim",
                                         "slice://host/b@c#key=geheim",
                                         "sluice://host:0/b@c#link=geheim"));

TEST(secret_in_url, may_have_a_slash_in_it) {
  for (const char* text : {"sluice://me:ge/heim@host", "sluice://me:ge/heim@host/a",
                           "me:ge/heim@host/a", "a@b://me:ge/heim@host"}) {
    const auto refused = parse_url(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().context,
                testing::AllOf(Not(HasSubstr("ge/")), HasSubstr("...@host")))
        << text;
  }
  EXPECT_THAT(parse_url("sluice://host:99999/a@b").error().context, HasSubstr("host:99999/a@b"));
  EXPECT_THAT(parse_url("sluice://[::1]:99999/a@b").error().context, HasSubstr("[::1]:99999/a@b"));
}

TEST(url_text, shows_people_the_name_and_hides_the_default_port) {
  EXPECT_EQ((url{"host", 8080, "电影/a b"}.text()), "sluice://host/电影/a b");
  EXPECT_EQ((url{"::1", 9000, "a?b#c%"}.text()), "sluice://[::1]:9000/a%3Fb%23c%25");
  EXPECT_EQ((url{"::1", 8080, ""}.text()), "sluice://[::1]/");
}

TEST(url_authority, always_has_the_port) {
  EXPECT_EQ((url{"host", 8080, "a"}.authority()), "host:8080");
  EXPECT_EQ((url{"::1", 1, ""}.authority()), "[::1]:1");
}

class http_url : public testing::TestWithParam<good_case> {};

TEST_P(http_url, is_read_as_a_source_and_its_text_reads_back) {
  const auto parsed = parse_source(GetParam().text);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, GetParam().value);
  const auto again = parse_source(parsed->text());
  ASSERT_TRUE(again) << parsed->text() << ": " << again.error().message();
  EXPECT_EQ(*again, *parsed) << parsed->text();
}

INSTANTIATE_TEST_SUITE_P(
    urls, http_url,
    testing::Values(good_case{"http://host", {"host", 80, "", true}},
                    good_case{"http://host:8080/files", {"host", 8080, "", true}},
                    good_case{"http://host/files/", {"host", 80, "", true}},
                    good_case{"http://[::1]:1/files/a%20b/files/", {"::1", 1, "a b/files/", true}},
                    good_case{"sluice://host/files/a", {"host", 8080, "files/a", false}}));

TEST(http_url, that_names_no_file_is_refused) {
  for (const auto* text : {"http://host/filesx", "http://host/api/list", "http://host/a", "http://",
                           "http://host/files/../a", "https://host/a"}) {
    EXPECT_FALSE(parse_source(text)) << text;
  }
}

TEST(tls_url, says_so_in_its_scheme) {
  const auto plain = parse_url("sluice://nas/a");
  const auto secure = parse_url("sluices://nas/a");
  ASSERT_TRUE(plain && secure);
  EXPECT_FALSE(plain->always_tls);
  EXPECT_TRUE(secure->always_tls);
  EXPECT_EQ(secure->port, default_port);
  EXPECT_EQ(secure->text(), "sluices://nas/a");
  EXPECT_EQ(parse_url(secure->text()), secure);
  const auto web = parse_source("https://nas/files/a");
  ASSERT_TRUE(web);
  EXPECT_TRUE(web->always_tls && web->over_http);
  EXPECT_EQ(web->port, 443);
  EXPECT_EQ(web->text(), "https://nas/files/a");
  EXPECT_FALSE(parse_url("https://nas/files/a"));
  EXPECT_FALSE(parse_source("sluicess://nas/a"));
}

TEST(loopback, is_this_machine) {
  for (const auto* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const auto* host : {"nas", "localhost.example", "0.0.0.0", "::", "192.0.2.1", "128.0.0.1",
                           "::ffff:192.0.2.1", ""}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace sluice::client
