#include "http/upgrade.h"

#include <gtest/gtest.h>

#include "http/head.h"

namespace sluice::http {
namespace {

constexpr std::string_view good =
    "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string with(std::string_view from, std::string_view to) {
  std::string fields(good);
  fields.replace(fields.find(from), from.size(), to);
  return fields;
}

unsigned answer_to(const std::string& fields, const std::string& version = "HTTP/1.1") {
  const auto asked = parse_head("GET /live " + version + "\r\n" + fields + "\r\n", {});
  if (!asked) return 0;
  const auto read = read_upgrade(*asked);
  return read ? 101 : static_cast<unsigned>(read.error().code());
}

TEST(upgrade, is_read) {
  EXPECT_EQ(answer_to(std::string(good)), 101U);
  EXPECT_EQ(answer_to(with("websocket", "h2c, WebSocket")), 101U);
  EXPECT_EQ(answer_to(with("Connection: Upgrade", "Connection: keep-alive, upgrade")), 101U);
}

TEST(upgrade, of_another_kind_is_told_what_is_spoken) {
  EXPECT_EQ(answer_to("Host: a\r\n"), 426U);
  EXPECT_EQ(answer_to(with("websocket", "h2c")), 426U);
  EXPECT_EQ(answer_to(with("Connection: Upgrade", "Connection: keep-alive")), 426U);
  EXPECT_EQ(answer_to(with("13", "8")), 426U);
  const auto asked = parse_head("GET /live HTTP/1.1\r\nHost: a\r\n\r\n", {});
  const auto refused = read_upgrade(*asked);
  EXPECT_NE(refused.error().lines().find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
  EXPECT_NE(refused.error().lines().find("Upgrade: websocket\r\n"), std::string::npos);
}

TEST(upgrade, that_is_none_is_refused) {
  for (const auto* key :
       {"", "x", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25 ZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="}) {
    EXPECT_EQ(answer_to(with("dGhlIHNhbXBsZSBub25jZQ==", key)), 400U) << key;
  }
  EXPECT_EQ(answer_to(with("Host: a\r\n", "Host: a\r\nContent-Length: 1\r\n")), 400U);
  EXPECT_EQ(answer_to(std::string(good), "HTTP/1.0"), 400U);
}

}  // namespace
}  // namespace sluice::http
