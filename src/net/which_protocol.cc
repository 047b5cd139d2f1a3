#include "net/which_protocol.h"

#include <string_view>

namespace sluice::net {
namespace {

// RFC 9110, 5.6.2.
bool is_token_character(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         marks.find(c) != std::string_view::npos;
}

}  // namespace

protocol protocol_of(std::byte first) noexcept {
  if (first == std::byte{0x89}) return protocol::native;
  if (first == std::byte{0x16}) return protocol::tls;
  const auto c = static_cast<char>(first);
  const bool is_blank = c == '\r' || c == '\n' || c == ' ' || c == '\t';
  if (is_token_character(c) || is_blank) return protocol::http;
  return protocol::unknown;
}

awaitable<result<protocol>> which_protocol(stream& from) {
  for (;;) {
    const auto first = from.peek();
    if (!first) co_return std::unexpected(first.error());
    if (*first) co_return protocol_of(**first);
    (void)from.begin_wait(1);
    auto [failed] = co_await from.readable();
    if (failed) co_return fail(errc::cancelled, "wait for the first byte");
  }
}

}  // namespace sluice::net
