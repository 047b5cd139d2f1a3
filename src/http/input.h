// Bytes from a peer: through a buffer while they are framing, past it when they are content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::http {

// The stream is the caller's and outlives it. One coroutine at a time, on the stream's thread. The
// buffer exists only while something is in it.
//
// Errors: end_of_stream (the peer ended its side), broken_stream, io, cancelled (the stream was
// closed, or a wait was cancelled).
class input {
 public:
  explicit input(net::stream& from) : stream_(from) {}

  [[nodiscard]] std::string_view buffered() const noexcept {
    return {buffer_.get() + begin_, end_ - begin_};
  }
  void consume(std::size_t count) noexcept;

  // Receives what is there behind what is buffered, up to `most` bytes in the buffer; 0: nothing
  // there now.
  [[nodiscard]] result<std::size_t> receive(std::size_t most);

  // Receives straight to the caller, to be used while nothing is buffered; 0: nothing there now.
  [[nodiscard]] result<std::size_t> receive(std::span<std::byte> into);

  // Takes what is buffered.
  [[nodiscard]] std::size_t take_buffered(std::span<std::byte> into) noexcept;

  // The two halves of `wait`, for one who waits on the stream itself. False: there is nothing to
  // wait for.
  [[nodiscard]] bool begin_wait(std::size_t count) noexcept;
  void end_wait() noexcept { waiting_ = false; }

  // Of a stream without TLS: waits and receives in one, behind what is buffered, as much as
  // `receive` would. end_receive() is to be told when it is over.
  [[nodiscard]] auto receive_next(std::size_t most) {
    waiting_ = true;
    return stream_.receive_next(room_for(most));
  }
  void end_receive(std::size_t bytes) noexcept;

  // Until so many bytes (at least 1) can be received, or as many as the kernel is willing to hold,
  // or the end.
  awaitable<result<void>> wait(std::size_t count);

  // Nothing more comes from the peer, and all that came was received.
  [[nodiscard]] bool peer_ended() const { return stream_.peer_ended(); }
  // There is more that was not taken.
  [[nodiscard]] bool has_more() const { return !buffered().empty() || stream_.has_more(); }

  // Whether so many bytes behind what is buffered seem to be there; see net::stream.
  [[nodiscard]] bool seems_here(std::size_t count) const noexcept {
    return stream_.seems_here(count);
  }
  // How many of the next `count` bytes can be taken without waiting, for sure. Inside TLS up to
  // 64 KiB of them go into the buffer for that.
  [[nodiscard]] std::size_t here(std::size_t count);

  // Bytes that arrived so far, also those that only the kernel holds.
  [[nodiscard]] std::uint64_t arrived() const noexcept { return stream_.arrived(); }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] bool waiting() const noexcept { return waiting_; }

 private:
  void make_room(std::size_t most);
  [[nodiscard]] std::span<std::byte> room_for(std::size_t most);

  net::stream& stream_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t received_ = 0;
  bool waiting_ = false;
};

}  // namespace sluice::http
