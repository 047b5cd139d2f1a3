// Which addresses count as one where somebody is made to wait.
#pragma once

#include <string>

#include "sluice/awaitable.h"

namespace sluice::net {

// The address of IPv4, also where it comes as IPv6; of IPv6 the first 64 bits, since whoever has
// one address has all of them (RFC 6177).
[[nodiscard]] std::string address_key(const tcp_endpoint& peer);

// The whole address, without the port: for people and records.
[[nodiscard]] std::string plain_address(const tcp_endpoint& peer);

}  // namespace sluice::net
