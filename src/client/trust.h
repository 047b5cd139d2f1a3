// Whether a server is the one that it should be.
#pragma once

#include "client/session.h"
#include "client/url.h"
#include "net/tls_client.h"
#include "sluice/awaitable.h"

namespace sluice::client {

// Judges what a handshake showed, before anything is sent: the one fingerprint that was given; else
// what the system's authorities vouch for, or what the file of known hosts has. A server that is
// new goes into that file, and is told. The arguments outlive the call.
//   not_allowed: it is another one, with both fingerprints and what to do; the errors of
//   known_hosts
[[nodiscard]] awaitable<result<void>> check_trust(session& owner, const url& server,
                                                  const net::tls_identity& shown);

}  // namespace sluice::client
