#include "net/tls_handshake.h"

#include "net/tls_link.h"

namespace sluice::net {

awaitable<result<void>> shake_hands(stream& peer) {
  for (;;) {
    if (!peer.socket().is_open()) co_return fail(errc::cancelled, "TLS handshake");
    const auto done = peer.tls().handshake();
    if (!done) co_return std::unexpected(done.error());
    if (*done == tls_link::step::done) co_return result<void>{};
    const auto until =
        *done == tls_link::step::wants_to_receive ? tcp_socket::wait_read : tcp_socket::wait_write;
    auto [failed] = co_await peer.socket().async_wait(until, as_tuple);
    if (failed) co_return fail(errc::cancelled, "TLS handshake");
  }
}

}  // namespace sluice::net
