#include "net/client_hello.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace sluice::net {
namespace {

constexpr std::size_t record_head_bytes = 5;
constexpr std::byte handshake_record{22};
constexpr std::byte alert_record{21};
constexpr std::byte client_hello_message{1};

std::size_t number_at(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
  std::size_t number = 0;
  for (const std::byte each : bytes.subspan(at, count)) {
    number = number << 8 | std::to_integer<std::size_t>(each);
  }
  return number;
}

bool has_hung_up(int fd) noexcept {
  pollfd state{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) > 0;
}

}  // namespace

//  0     1        3        5     6              9
//  +-----+--------+--------+-----+--------------+---
//  | 22  | 03 0x  | length | 1   | its length   | ...
//  +-----+--------+--------+-----+--------------+---
//    record (RFC 8446, 5.1)   message (RFC 8446, 4)
result<std::size_t> client_hello_record(std::span<const std::byte> begin) {
  const auto refuse = [] { return fail(errc::not_allowed, "TLS handshake: no ClientHello"); };
  if (!begin.empty() && begin[0] != handshake_record) return refuse();
  if (begin.size() > 1 && begin[1] != std::byte{3}) return refuse();
  if (begin.size() < client_hello_head_bytes) return std::size_t{0};
  const std::size_t body_bytes = number_at(begin, 3, 2);
  if (body_bytes < 4 || begin[record_head_bytes] != client_hello_message) return refuse();
  const std::size_t message_bytes = number_at(begin, 6, 3);
  if (body_bytes > client_hello_bytes_max || message_bytes > client_hello_bytes_max) {
    return fail(errc::not_allowed, "TLS handshake: a ClientHello of " +
                                       std::to_string(std::max(body_bytes, message_bytes)) +
                                       " bytes");
  }
  return record_head_bytes + body_bytes;
}

awaitable<result<void>> wait_for_client_hello(stream& from) {
  std::array<std::byte, client_hello_head_bytes> begin{};
  for (;;) {
    if (!from.socket().is_open()) co_return fail(errc::cancelled, "wait for a ClientHello");
    const auto got =
        ::recv(from.socket().native_handle(), begin.data(), begin.size(), MSG_PEEK | MSG_DONTWAIT);
    if (got == 0) co_return fail(errc::end_of_stream);
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      co_return fail_errno(errno, "TLS handshake");
    }
    const std::size_t looked_at = got < 0 ? 0 : static_cast<std::size_t>(got);
    const auto record = client_hello_record(std::span(begin).first(looked_at));
    if (!record) co_return std::unexpected(record.error());
    const std::size_t wanted = *record > 0 ? *record : client_hello_head_bytes;
    if (from.here() >= wanted) break;
    // What is there stays there, so it says nothing of an end behind it.
    if (has_hung_up(from.socket().native_handle())) {
      co_return fail(errc::broken_stream, "TLS handshake: the peer closed inside its ClientHello");
    }
    (void)from.begin_wait(wanted);
    auto [failed] = co_await from.readable();
    if (failed) co_return fail(errc::cancelled, "wait for a ClientHello");
  }
  (void)from.begin_wait(1);  // OpenSSL reads as it likes
  co_return result<void>{};
}

void send_alert(stream& to, tls_alert what) {
  constexpr std::byte fatal{2};
  const std::array<std::byte, 7> record{alert_record,
                                        std::byte{3},
                                        std::byte{3},
                                        std::byte{0},
                                        std::byte{2},
                                        fatal,
                                        static_cast<std::byte>(what)};
  (void)to.drop();
  (void)to.send(record, {}, false);
  to.end_sending();
}

}  // namespace sluice::net
