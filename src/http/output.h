// Bytes to a peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::http {

// The stream is the caller's and outlives it. One coroutine at a time, on the stream's thread.
// Nothing is queued here: what a call was given is with the kernel when it returns, so that a slow
// peer slows the one who makes the bytes.
//
// Errors: broken_stream (the peer is gone), io, cancelled, changed (send_file: the file ended).
class output {
 public:
  explicit output(net::stream& to) : stream_(to) {}

  // Both, in one segment where they fit. `more` follows at once: the kernel may wait for it.
  awaitable<result<void>> send(std::string_view head, std::span<const std::byte> body, bool more);

  // From the page cache, on this thread: the bytes are to be there.
  awaitable<result<void>> send_file(int fd, std::uint64_t offset, std::uint64_t size_bytes);

  // The same without waiting: how many bytes went, which may be none. Nearly always it is all of
  // them, and then no coroutine is needed.
  [[nodiscard]] result<std::size_t> try_send(std::string_view head, std::span<const std::byte> body,
                                             bool more);
  [[nodiscard]] result<std::uint64_t> try_send_file(int fd, std::uint64_t offset,
                                                    std::uint64_t size_bytes);

  // Bytes that the peer's side acknowledged.
  [[nodiscard]] std::uint64_t delivered() const noexcept { return stream_.delivered(); }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] bool waiting() const noexcept { return waiting_; }

 private:
  awaitable<result<void>> wait();

  net::stream& stream_;
  std::uint64_t sent_ = 0;
  std::uint64_t in_turn_ = 0;  // sent from files since the last wait
  bool waiting_ = false;
};

}  // namespace sluice::http
