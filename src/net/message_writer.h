// Sends the frames of the native protocol (docs/wire.md, section 2) in the order in which they were
// given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "net/pace.h"
#include "net/signal.h"
#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "wire/block_head.h"
#include "wire/frame_head.h"
#include "wire/message.h"

namespace sluice::net {

// Content that lies in memory; `owner` keeps it alive until it is sent.
struct memory_piece {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

// Content that lies in a file and goes out from the page cache; `owner` keeps the descriptor open.
// The caller sees to it that the bytes are there: they are sent on the I/O thread.
struct file_piece {
  std::shared_ptr<const void> owner;
  int fd = -1;
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
};

// The one writer of a stream, behind a bounded queue. `send_*` never wait; whoever makes work for
// the queue asks `room()` first. The stream is the caller's and outlives the writer. One thread.
class message_writer {
 public:
  explicit message_writer(stream& to);

  // The writer's coroutine: spawn it once. It ends after close() when all is sent, or at the first
  // error, which `failure()` then tells and which every later `room()` returns: broken_stream,
  // cancelled, changed (the file of a file_piece became shorter: the stream cannot go on).
  awaitable<void> run();

  void send(wire::kind kind, std::uint32_t request, std::uint8_t flags,
            const google::protobuf::MessageLite& message);
  void send_bytes(std::span<const std::byte> frames);
  void send_frames(std::vector<std::byte> frames);  // the same without a copy
  void send_frames(memory_piece frames);
  void send_block(std::uint32_t request, const wire::block_head& head, memory_piece payload);
  void send_block(std::uint32_t request, const wire::block_head& head, file_piece payload);

  // Waits until less than that many bytes, which are whole MiB, are queued; file pieces count as
  // what they send.
  awaitable<result<void>> room(std::size_t high_water_bytes = std::size_t{4} << 20);

  // Waits until all that was given is handed to the kernel.
  awaitable<result<void>> drained();

  // Sends no faster from now on.
  void keep(pace::meter by) { pace_.use(std::move(by)); }
  // It is us who do not send right now.
  [[nodiscard]] bool is_resting() const noexcept { return pace_.is_resting(); }

  // No more is given; `run` ends when all is sent.
  void close();

  // Ends `run` now; what is queued is dropped.
  void abort(error why);

  [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
  [[nodiscard]] bool idle() const noexcept { return queue_.empty(); }
  // Bytes that were taken so far: a watchdog sees by it whether the peer takes its replies.
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return sent_; }

 private:
  // Frames, or the head of a block, and the payload that follows them.
  struct item {
    std::vector<std::byte> bytes;
    std::size_t bytes_sent = 0;
    memory_piece memory;
    file_piece file;
    bool with_payload = false;
    [[nodiscard]] bool is_sent() const noexcept {
      return bytes_sent == bytes.size() && memory.bytes.empty() && file.bytes == 0;
    }
  };

  std::vector<std::byte>& tail(std::size_t more);
  void added(std::size_t bytes);
  awaitable<result<void>> send_queued();
  result<std::size_t> send_some();
  [[nodiscard]] static bool cut_to_step(std::span<std::span<const std::byte>> pieces,
                                        std::size_t& count);
  result<std::size_t> send_memory();
  result<std::size_t> send_file(item& front);
  void advance(std::size_t sent);

  stream& stream_;
  signal changed_;
  pace pace_;
  std::deque<item> queue_;
  std::size_t queued_ = 0;  // bytes in queue_
  std::uint64_t sent_ = 0;
  bool closed_ = false;
  std::optional<error> failure_;
};

}  // namespace sluice::net
