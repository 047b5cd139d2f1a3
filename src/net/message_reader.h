// Reads the frames of the native protocol (docs/wire.md, section 2) from a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "wire/block_head.h"
#include "wire/frame_head.h"

namespace sluice::net {

// Control frames go through a buffer that exists only while bytes are waiting in it; the payload of
// a block is received straight to where the caller wants it. The stream is the caller's and
// outlives the reader. One coroutine at a time, on the stream's thread. No deadline of its own: a
// watchdog closes the stream.
//
// Errors of all operations: end_of_stream (between two frames), broken_stream (inside one, or
// reset), bad_frame, frame_too_large, cancelled (the stream was closed by us). After an error the
// reader is finished.
class message_reader {
 public:
  // `peer` is the side that sends: its kinds are accepted, those of the other side are violations.
  message_reader(stream& from, wire::side peer) : stream_(from), peer_(peer) {}

  // `count` bytes of no frame (the preface). Valid until the next call; `count` is at most 4 KiB.
  awaitable<result<std::span<const std::byte>>> raw(std::size_t count);

  // The head of the next frame. What was not taken of the frame before is skipped.
  awaitable<result<wire::frame_head>> next();

  // The whole body of a control frame, valid until the next call. Memory grows with what arrives.
  awaitable<result<std::span<const std::byte>>> body();

  // The front of a BLOCK's body, checked; the payload is `payload_left()` bytes.
  awaitable<result<wire::block_head>> block();

  // At the end of a connection: throws away all that arrived; false when the peer closed or reset.
  [[nodiscard]] bool drop_arrived();
  awaitable<result<void>> wait_arrival() { return wait_readable(1); }

  // Bytes of the current frame's body that were not taken yet.
  [[nodiscard]] std::size_t payload_left() const noexcept { return left_; }

  // Waits until the kernel and the buffer together hold `count` bytes of the payload, or as much as
  // the kernel is willing to hold; at least one. So nobody needs memory of ours while a slow peer
  // fills a block. Inside TLS nobody knows what the kernel's bytes will be before they are
  // decrypted: a small payload goes into the buffer.
  awaitable<result<void>> payload_ready(std::size_t count);

  // Bytes that can be taken without waiting.
  [[nodiscard]] std::size_t here() const noexcept { return buffered() + stream_.here(); }

  // Takes what is there now, without waiting: 0 when nothing is.
  [[nodiscard]] result<std::size_t> payload_now(std::span<std::byte> into);

  // Receives exactly `into.size()` bytes of the payload.
  awaitable<result<void>> payload(std::span<std::byte> into);

  // Bytes that arrived at this connection so far, also those that only the kernel holds: a watchdog
  // sees by it whether the peer still sends.
  [[nodiscard]] std::uint64_t bytes_arrived() const noexcept { return stream_.arrived(); }

  // True while a frame is begun and not whole.
  [[nodiscard]] bool inside_frame() const noexcept { return left_ > 0 || begin_ != end_; }

  // True when more bytes are already here.
  [[nodiscard]] bool more_here() { return buffered() > 0 || stream_.has_more(); }

  // True while an operation waits for the peer: the time for a watchdog to look at bytes_arrived().
  [[nodiscard]] bool waiting() const noexcept { return waiting_; }

 private:
  awaitable<result<void>> need(std::size_t count);
  awaitable<result<void>> wait_readable(std::size_t count);
  result<std::size_t> receive(std::span<std::byte> into);
  std::size_t take_buffered(std::span<std::byte> into) noexcept;
  void make_room(std::size_t count);
  [[nodiscard]] std::size_t buffered() const noexcept { return end_ - begin_; }

  stream& stream_;
  wire::side peer_;
  std::unique_ptr<std::byte[]> buffer_;  // absent while nothing is buffered and we wait
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t left_ = 0;                             // bytes of the current body still to be taken
  std::size_t read_limit_ = std::size_t{64} * 1024;  // of one receive into the buffer
  unsigned frames_since_yield_ = 0;
  bool waiting_ = false;
};

}  // namespace sluice::net
