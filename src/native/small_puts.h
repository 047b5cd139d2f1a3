// PUT with `whole`: files of one block at the most, many at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/buffer_pool.h"
#include "native/session.h"

namespace sluice::native {

// Gathers the payloads of many files in one buffer of the pool and hands them to the blocking pool
// as one batch: a hop to another thread costs as much as a small file. A part of its session.
class small_puts {
 public:
  explicit small_puts(session& owner) : session_(owner) {}

  void begin(std::uint32_t request, v1::Put message);

  // True for a request whose BLOCK is still to come.
  [[nodiscard]] bool expects(std::uint32_t request) const { return waiting_.contains(request); }

  // Reads a frame of such a request. Errors end the session.
  awaitable<result<void>> take(const wire::frame_head& head);

  // Hands what was gathered to the pool.
  void flush();
  // The same where the pool has little of ours to do; else when it has. To be called before the
  // session waits for its peer.
  void flush_soon();

  // Requests that are not over, and those of them that the server works on.
  [[nodiscard]] std::size_t open() const noexcept { return waiting_.size() + unanswered_; }
  [[nodiscard]] std::size_t unanswered() const noexcept { return unanswered_; }

 private:
  struct file {
    std::uint32_t request = 0;
    v1::Put message;
    std::size_t begin = 0;  // of the payload in the buffer
    std::size_t size_bytes = 0;
    base::digest128 digest;
  };
  struct outcome {
    std::uint32_t request = 0;
    v1::Put message;
    result<store::entry> stored;
  };
  struct batch {
    base::pooled_buffer buffer;
    std::size_t used_bytes = 0;
    std::vector<file> files;
  };

  awaitable<result<void>> gather(std::uint32_t request, v1::Put message, wire::block_head block);
  [[nodiscard]] bool has_room(std::size_t size_bytes) const noexcept;
  awaitable<result<void>> make_room();
  void add(file one);
  void add(const std::shared_ptr<session>& keep, outcome one);
  void answer_all();
  void answer(outcome one);
  void stored_batch();
  static void store_all(const std::shared_ptr<session>& keep, small_puts& self,
                        const base::caller_ptr& who, batch files);
  static void store(const std::shared_ptr<session>& keep, small_puts& self,
                    const base::caller_ptr& who, file one, std::span<const std::byte> payload);

  session& session_;
  std::unordered_map<std::uint32_t, v1::Put> waiting_;  // for their BLOCK
  batch gathered_;
  std::size_t unanswered_ = 0;  // gathered, or on the pool, or waiting for the disk
  std::size_t batches_ = 0;     // on the pool
  bool is_filling_ = false;     // the buffer: what is in it cannot go yet
  std::mutex outcomes_mutex_;
  std::vector<outcome> outcomes_;  // to be answered
};

}  // namespace sluice::native
