// How every connection of a session begins, whatever it speaks.
#pragma once

#include "client/session.h"
#include "client/url.h"
#include "net/stream.h"
#include "sluice/awaitable.h"

namespace sluice::client {

enum class speech : std::uint8_t { native, http };

// A connection, tuned for the path to the server, inside TLS where it is to be: then the server was
// found to be the right one. `owner` and `server` outlive the call; on the session's thread.
//   cannot_connect, timed_out; cancelled: the session stops; not_allowed: there is no TLS, or the
//   server's certificate is not the one that it should be, with what to do; invalid_argument: the
//   address and the options contradict each other
[[nodiscard]] awaitable<result<net::stream>> connect_to(session& owner, const url& server,
                                                        speech what);

}  // namespace sluice::client
