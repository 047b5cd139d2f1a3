// Where a server that listens can be reached.
#pragma once

#include <vector>

#include "sluice/host_port.h"

namespace sluice::server {

// The address itself; of the unspecified one (0.0.0.0, ::) those of this machine's interfaces that
// are up, with loopback last.
[[nodiscard]] std::vector<host_port> reachable_at(const host_port& listening);

}  // namespace sluice::server
