#include "http/head.h"

#include <gtest/gtest.h>

#include <random>

namespace sluice::http {
namespace {

const head_limits limits;

parsed<request> read(std::string_view text) {
  head_finder finder(limits);
  const auto size = finder.find(text);
  if (!size) return std::unexpected(size.error());
  return parse_head(text.substr(0, *size), limits);
}

std::string with(std::string_view fields) {
  return "PUT /files/a HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

TEST(head, has_what_was_sent) {
  const auto asked = read(
      "GET /files/a%20b?x=1&y=%E6%97%A5+ HTTP/1.1\r\nHost: H.example:80\r\nX: a\r\nx:\tb \r\n\r\n");
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->method, "GET");
  EXPECT_EQ(asked->path, "/files/a b");
  EXPECT_EQ(asked->host, "h.example");
  EXPECT_EQ(asked->field("X"), "a, b");
  EXPECT_EQ(asked->parameter("x"), "1");
  EXPECT_EQ(asked->parameter("y"), "日 ");
  EXPECT_EQ(asked->parameter("z"), std::nullopt);
  EXPECT_TRUE(asked->keeps_alive);
  EXPECT_FALSE(asked->has_body);
  EXPECT_EQ(asked->below("/files/"), "a b");
}

TEST(head, tells_the_length_of_a_body) {
  EXPECT_EQ(read(with("Content-Length: 5\r\n"))->content_length, 5U);
  EXPECT_EQ(read(with("Content-Length: 9223372036854775807\r\n"))->content_length,
            (1ULL << 63) - 1);
  EXPECT_EQ(read(with("Content-Length: 9223372036854775808\r\n")).error().code,
            status::payload_too_large);
  const auto chunked = read(with("Transfer-Encoding: Chunked\r\n"));
  ASSERT_TRUE(chunked);
  EXPECT_TRUE(chunked->has_body);
  EXPECT_FALSE(chunked->content_length);
  EXPECT_FALSE(read(with("Content-Length: 0\r\n"))->has_body);
}

TEST(head, refuses_two_ways_to_tell_it) {
  for (const auto* fields : {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                             "Content-Length: 5\r\nContent-Length: 5\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: gzip, chunked\r\n", "Content-Length: 5, 5\r\n"}) {
    const auto refused = read(with(fields));
    ASSERT_FALSE(refused) << fields;
    EXPECT_EQ(refused.error().code, status::bad_request);
  }
}

// However the bytes come, the end is found at the same place and the same errors are.
TEST(head, is_found_however_it_is_cut) {
  const std::string whole = "GET / HTTP/1.1\r\nHost: h\r\n\r\nrest";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    head_finder finder(limits);
    auto size = finder.find(std::string_view(whole).substr(0, cut));
    ASSERT_TRUE(size);
    EXPECT_EQ(*size, cut >= 27 ? 27U : 0U);
    size = finder.find(whole);
    if (cut < 27) {
      EXPECT_EQ(*size, 27U);
    }
  }
  for (const std::string_view bad :
       {"GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\rHost: h\r\r"}) {
    head_finder finder(limits);
    parsed<std::size_t> size = 0U;
    for (std::size_t cut = 0; size && cut <= bad.size(); ++cut)
      size = finder.find(bad.substr(0, cut));
    EXPECT_FALSE(size) << bad;
  }
}

TEST(head, has_limits) {
  const auto padded = [](std::size_t bytes) {
    std::string text = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    text.append(bytes - text.size() - 4, 'a');
    return text + "\r\n\r\n";
  };
  EXPECT_TRUE(read(padded(limits.bytes)));
  EXPECT_EQ(read(padded(limits.bytes + 1)).error().code, status::request_header_fields_too_large);
  const auto fields = [](std::size_t count) {
    std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (std::size_t i = 1; i < count; ++i) text += "X: a\r\n";
    return text + "\r\n";
  };
  EXPECT_TRUE(read(fields(limits.fields)));
  EXPECT_EQ(read(fields(limits.fields + 1)).error().code, status::request_header_fields_too_large);
  head_finder finder(limits);
  const std::string line(limits.line_bytes, 'a');
  EXPECT_TRUE(finder.find(line));
  EXPECT_EQ(finder.find(line + "a").error().code, status::uri_too_long);
}

}  // namespace
}  // namespace sluice::http
