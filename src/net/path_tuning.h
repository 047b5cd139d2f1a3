// Settings of a TCP connection that depend on what the network is like.
#pragma once

#include <cstddef>
#include <string>

#include "sluice/awaitable.h"

namespace sluice::net {

// Sets non-blocking mode, TCP_NODELAY, and the limit of what is unsent; and where the measured
// round trip is far below a millisecond and the system's congestion control is bbr, takes cubic or
// reno for this socket: bbr's pacing costs most of a core on such a path and has nothing to find
// out there. What the system refuses is left as it is.
void tune(tcp_socket& socket) noexcept;

// For a peer that takes nothing a socket holds 1.4 MB on a path with large segments. Two thousand
// such peers fill the memory that the kernel has for TCP, and then it drops what comes for
// everybody. So hardly more than this waits unsent for a peer (TCP_NOTSENT_LOWAT) until it has
// taken some.
inline constexpr std::size_t unsent_bytes_max = std::size_t{128} << 10;
void limit_unsent(tcp_socket& socket) noexcept;
void lift_limit_of_unsent(tcp_socket& socket) noexcept;

// TCP_CONGESTION of the socket: "cubic"; empty where it cannot be read.
[[nodiscard]] std::string congestion_control(tcp_socket& socket);

}  // namespace sluice::net
