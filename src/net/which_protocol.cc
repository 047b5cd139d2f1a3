#include "net/which_protocol.h"

#include <sys/socket.h>

#include <cerrno>
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

awaitable<result<protocol>> which_protocol(tcp_socket& socket) {
  for (;;) {
    if (!socket.is_open()) co_return fail(errc::cancelled, "wait for the first byte");
    std::byte first{};
    const auto got = ::recv(socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) co_return protocol_of(first);
    if (got == 0) co_return fail(errc::end_of_stream);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) co_return fail_errno(errno, "receive");
    auto [failed] = co_await socket.async_wait(tcp_socket::wait_read, as_tuple);
    if (failed) co_return fail(errc::cancelled, "wait for the first byte");
  }
}

}  // namespace sluice::net
