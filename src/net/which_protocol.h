// What a client that just connected speaks: several protocols share one port, and the first byte
// tells them apart.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

enum class protocol : std::uint8_t {
  native,   // 0x89, docs/wire.md, section 1
  http,     // a character that a method has (RFC 9110, 9.1), or a blank one before it
  tls,      // 0x16: a handshake record (RFC 8446, 5.1)
  unknown,  // nothing that is spoken here
};

[[nodiscard]] protocol protocol_of(std::byte first) noexcept;

// Waits for the first byte and leaves it in the stream, which outlives the call; inside TLS it is
// the first byte there. Nobody's memory is held meanwhile. A deadline is the caller's, who closes
// the stream.
//   end_of_stream: the client left without a word; broken_stream; cancelled
awaitable<result<protocol>> which_protocol(stream& from);

}  // namespace sluice::net
