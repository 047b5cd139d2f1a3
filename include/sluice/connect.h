// Calls a TCP server.
#pragma once

#include <chrono>

#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "sluice/frame_stream.h"
#include "sluice/host_port.h"

namespace sluice {

struct connect_options {
  std::chrono::milliseconds timeout{30'000};          // for all of it, looking up the name too
  std::chrono::milliseconds attempt_timeout{10'000};  // for one address
  stream_options stream;                              // of connect()
};

// Looks the host up and tries its addresses one after the other, in the order that the system gives
// (RFC 6724), until one accepts. Runs on, and the stream belongs to, the io_context of the awaiting
// coroutine. Errors: cannot_connect, whose context names every address tried and what it said;
// not_found when the name has no address; timed_out when no address was known in time; cancelled.
[[nodiscard]] awaitable<result<frame_stream>> connect(host_port where,
                                                      connect_options options = {});

// The same for a protocol that is not made of frames. TCP_NODELAY is on.
[[nodiscard]] awaitable<result<tcp_socket>> connect_socket(host_port where,
                                                           connect_options options = {});

}  // namespace sluice
