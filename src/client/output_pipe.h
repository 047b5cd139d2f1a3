// Writes to a descriptor whose reader may take its time.
#pragma once

#include <cstddef>
#include <span>

#include "client/session.h"

namespace sluice::client {

// Blocks, on a thread for the disk, until all is written, or the session stops (cancelled).
[[nodiscard]] result<void> write_out(int fd, std::span<const std::byte> bytes,
                                     const session& owner);

}  // namespace sluice::client
