// One request that a connection has open: what it does with the frames of its reply.
#pragma once

#include <cstddef>
#include <span>

#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "wire/block_head.h"
#include "wire/frame_head.h"

namespace sluice::client {

class connection;

// Owned by its connection while it is open, and by whoever waits for it. Called on the I/O thread,
// for one frame at a time. Every open request ends with one call: on_message or on_block of the
// frame with LAST, or on_failed.
class request {
 public:
  request() = default;
  request(const request&) = delete;
  request& operator=(const request&) = delete;
  virtual ~request() = default;

  // A control frame of the reply, ERROR apart. A failure is a violation: the connection ends.
  virtual result<void> on_message(const wire::frame_head& head,
                                  std::span<const std::byte> body) = 0;

  // A BLOCK; its payload is from.reader()'s. The connection reads nothing else until this is over.
  // Without an override a BLOCK is a violation.
  virtual awaitable<result<void>> on_block(wire::frame_head head, wire::block_head block,
                                           connection& from);

  // True: the connection reads nothing more until `until_room` is over.
  [[nodiscard]] virtual bool is_full() const { return false; }
  virtual awaitable<void> until_room();

  // ERROR, or with `lost` the end of the connection.
  virtual void on_failed(const error& why, bool lost) = 0;
};

}  // namespace sluice::client
