// Settings of a TCP connection that depend on what the network is like.
#pragma once

#include <string>

#include "sluice/awaitable.h"

namespace sluice::net {

// Sets non-blocking mode and TCP_NODELAY; and where the measured round trip is far below a
// millisecond and the system's congestion control is bbr, takes cubic or reno for this socket:
// bbr's pacing costs most of a core on such a path and has nothing to find out there. What the
// system refuses is left as it is.
void tune(tcp_socket& socket) noexcept;

// TCP_CONGESTION of the socket: "cubic"; empty where it cannot be read.
[[nodiscard]] std::string congestion_control(tcp_socket& socket);

}  // namespace sluice::net
