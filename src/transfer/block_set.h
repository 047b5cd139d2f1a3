// Which blocks of an upload are here, each with its digest. A value; one thread at a time.
//
// Memory follows the blocks that arrived: about 17 bytes each where they lie together, a kilobyte
// for one that lies alone.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/digest.h"

namespace sluice::transfer {

// Blocks [first, first + count).
struct block_range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  friend bool operator==(const block_range&, const block_range&) = default;
};

// Joins ascending numbers into ranges, one number at a time.
class range_builder {
 public:
  void add(std::uint64_t block);
  [[nodiscard]] std::vector<block_range> take() { return std::move(ranges_); }

 private:
  std::vector<block_range> ranges_;
};

enum class block_state : std::uint8_t {
  absent,
  received,  // written, its digest is right
  durable,   // and on stable storage, and in the catalog
};

class block_set {
 public:
  [[nodiscard]] block_state state(std::uint64_t block) const;
  // Of a block that is not absent.
  [[nodiscard]] std::optional<base::digest128> digest(std::uint64_t block) const;

  void set(std::uint64_t block, const base::digest128& digest, block_state state);
  void erase(std::uint64_t block);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t received_count() const noexcept { return received_count_; }
  // The highest block there is, and one more; 0 where there is none.
  [[nodiscard]] std::uint64_t end() const;
  // How many blocks are durable before the first that is not.
  [[nodiscard]] std::uint64_t durable_prefix() const;

  // Calls `visit(block, digest, state)` in ascending order.
  template <class F>
  void each(F visit) const;

 private:
  static constexpr std::uint64_t chunk_blocks = 64;
  struct chunk {
    std::array<base::digest128, chunk_blocks> digests;
    std::uint64_t there = 0;    // a bit a block
    std::uint64_t durable = 0;  // the same
  };

  [[nodiscard]] const chunk* find(std::uint64_t block) const;

  std::map<std::uint64_t, std::unique_ptr<chunk>> chunks_;
  std::uint64_t count_ = 0;
  std::uint64_t received_count_ = 0;
};

template <class F>
void block_set::each(F visit) const {
  for (const auto& [number, part] : chunks_) {
    for (std::uint64_t left = part->there; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::uint64_t>(std::countr_zero(left));
      const bool durable = (part->durable >> bit & 1) != 0;
      visit(number * chunk_blocks + bit, part->digests[bit],
            durable ? block_state::durable : block_state::received);
    }
  }
}

}  // namespace sluice::transfer
