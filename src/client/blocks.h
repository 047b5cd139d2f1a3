// A file as a row of blocks (docs/wire.md, section 3): sizes, and which blocks are to be done.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/limits.h"

namespace sluice::client {

// Blocks [first, first + count).
struct run {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  [[nodiscard]] constexpr std::uint64_t end() const noexcept { return first + count; }
  friend bool operator==(const run&, const run&) = default;
};

[[nodiscard]] constexpr std::uint64_t blocks_of(std::uint64_t size_bytes) noexcept {
  return size_bytes / base::block_bytes + (size_bytes % base::block_bytes != 0);
}

[[nodiscard]] constexpr std::uint64_t offset_of(std::uint64_t block) noexcept {
  return block * base::block_bytes;
}

// Of a block of a file of `size_bytes`; the last one may be shorter.
[[nodiscard]] constexpr std::size_t bytes_of(std::uint64_t block,
                                             std::uint64_t size_bytes) noexcept {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(base::block_bytes, size_bytes - offset_of(block)));
}

// The bytes of a run.
[[nodiscard]] constexpr std::uint64_t bytes_of(const run& blocks,
                                               std::uint64_t size_bytes) noexcept {
  return std::min(offset_of(blocks.end()), size_bytes) - offset_of(blocks.first);
}

// Appends to an ascending row of runs, growing the last one where it fits.
void append(std::vector<run>& runs, run more);

// The blocks that still have to be done. One thread. What failed goes to the front, so that it is
// done again soon.
class block_queue {
 public:
  void push(run blocks);
  void push_front(run blocks);
  // From the front: at most `blocks_max` blocks in at most `runs_max` runs, ascending.
  [[nodiscard]] std::vector<run> take(std::uint64_t blocks_max, std::size_t runs_max);
  [[nodiscard]] std::optional<std::uint64_t> take_one();
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }

 private:
  std::deque<run> runs_;
};

// A set of blocks of a file: a bit for each.
class block_set {
 public:
  explicit block_set(std::uint64_t blocks = 0) : bits_(blocks) {}
  // True where it was not in the set before.
  bool insert(std::uint64_t block);
  [[nodiscard]] bool contains(std::uint64_t block) const { return bits_[block]; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return bits_.size(); }
  [[nodiscard]] bool is_full() const noexcept { return count_ == bits_.size(); }

 private:
  std::vector<bool> bits_;
  std::uint64_t count_ = 0;
};

}  // namespace sluice::client
