#include "http/upgrade.h"

#include <algorithm>

#include "http/syntax.h"

namespace sluice::http {
namespace {

namespace beast_http = boost::beast::http;

constexpr std::string_view version = "13";

bool lists(const std::string& value, std::string_view wanted) {
  std::string_view left = value;
  while (const auto element = take_element(left)) {
    if (equals_ignoring_case(*element, wanted)) return true;
  }
  return false;
}

// 16 bytes in Base64: 21 characters, one of two bits, and the padding.
bool is_key(std::string_view key) {
  const auto is_base64 = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  return key.size() == 24 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, 22), is_base64);
}

std::unexpected<response> refuse(std::string what) {
  return std::unexpected(response(problem(status::bad_request, std::move(what))));
}

std::unexpected<response> refuse_protocol(std::string what) {
  response refused(problem(status::upgrade_required, std::move(what)));
  refused.add("Upgrade", "websocket").add("Connection", "Upgrade");
  refused.add("Sec-WebSocket-Version", version);
  return std::unexpected(std::move(refused));
}

}  // namespace

std::expected<upgrade_request, response> read_upgrade(const request& asked) {
  if (!lists(asked.field("Upgrade"), "websocket") || !lists(asked.field("Connection"), "upgrade")) {
    return refuse_protocol(asked.path + " speaks WebSocket");
  }
  if (asked.is_1_0 || asked.has_body) {
    return refuse("WebSocket begins with a request of HTTP/1.1 without a body");
  }
  if (asked.field("Sec-WebSocket-Version") != version) {
    return refuse_protocol("this server speaks version 13 of WebSocket");
  }
  const std::string key = asked.field("Sec-WebSocket-Key");
  if (!is_key(key)) return refuse("Sec-WebSocket-Key is not 16 bytes in Base64");
  upgrade_request wanted(beast_http::verb::get, asked.target, 11);
  wanted.set(beast_http::field::host, asked.field("Host"));
  wanted.set(beast_http::field::connection, "Upgrade");
  wanted.set(beast_http::field::upgrade, "websocket");
  wanted.set(beast_http::field::sec_websocket_version, version);
  wanted.set(beast_http::field::sec_websocket_key, key);
  return wanted;
}

}  // namespace sluice::http
