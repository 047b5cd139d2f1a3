// The first moments of a connection: whether it is to be encrypted, and what it speaks.
#pragma once

#include <chrono>

#include "native/service.h"
#include "net/stream.h"
#include "net/tls_server.h"
#include "net/which_protocol.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::server {

// What a client wants to speak: for `tls` it spoke TLS to a server that does not, and was answered
// with an alert. It `is_plain` where it should not be.
struct greeting {
  net::protocol speaks = net::protocol::unknown;
  bool is_plain = false;
};

// Waits for the first byte; where that is of TLS and `tls` is there, shakes hands, and then it is
// ALPN or the first byte inside that tells. All of it within the time that a handshake may take.
// The arguments outlive the call.
//   end_of_stream: the client left without a word; not_allowed, broken_stream: of the handshake;
//   cancelled: it took too long, or the server stops
[[nodiscard]] awaitable<result<greeting>> greet(net::stream& client, const net::tls_server* tls,
                                                const native::service& shared);

}  // namespace sluice::server
