// How every connection of a session begins, whatever it speaks.
#pragma once

#include "client/session.h"
#include "client/url.h"
#include "sluice/awaitable.h"

namespace sluice::client {

// A connected socket, tuned for the path to the server. `owner` and `server` outlive the call; on
// the session's thread.
//   cannot_connect, timed_out; cancelled: the session stops
[[nodiscard]] awaitable<result<tcp_socket>> connect_to(session& owner, const url& server);

}  // namespace sluice::client
