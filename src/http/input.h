// Bytes from a peer: through a buffer while they are framing, past it when they are content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::http {

// The socket is the caller's, outlives it, and is in non-blocking mode. One coroutine at a time, on
// the socket's thread. The buffer exists only while something is in it.
//
// Errors: end_of_stream (the peer ended its side), broken_stream, io, cancelled (the socket was
// closed, or a wait was cancelled).
class input {
 public:
  explicit input(tcp_socket& socket) : socket_(socket) {}

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

  // The two halves of `wait`, for one who waits on the socket itself.
  void begin_wait(std::size_t low_water) noexcept;
  void end_wait() noexcept { waiting_ = false; }

  // Until the kernel holds so many bytes (at least 1), or as many as it is willing to hold, or the
  // end.
  awaitable<result<void>> wait(std::size_t low_water);

  // Nothing more comes from the peer, and all that came was received.
  [[nodiscard]] bool peer_ended() const noexcept;

  // Bytes that arrived so far, also those that only the kernel holds.
  [[nodiscard]] std::uint64_t arrived() const noexcept;
  [[nodiscard]] std::size_t held_by_kernel() const noexcept;
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] bool waiting() const noexcept { return waiting_; }

 private:
  [[nodiscard]] result<std::size_t> receive_to(void* into, std::size_t count);
  void make_room(std::size_t most);
  void set_low_water(std::size_t count) noexcept;

  tcp_socket& socket_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t low_water_ = 1;  // as set on the socket
  std::uint64_t received_ = 0;
  bool waiting_ = false;
};

}  // namespace sluice::http
