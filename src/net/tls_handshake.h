// The handshake of a stream that was given its link, on either side.
#pragma once

#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

// Until it is done. A deadline is the caller's, who cuts the stream: cancelled. Else the errors of
// tls_link::handshake.
[[nodiscard]] awaitable<result<void>> shake_hands(stream& peer);

}  // namespace sluice::net
