// Which small files were in the page cache a moment ago: asking the kernel each time is the
// twentieth part of the work of sending one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "store/entry.h"

namespace sluice::store {

// A hint: it may have forgotten, and what it holds may have left the cache since. Fixed memory; of
// two files in one slot the later one stays. Any thread.
class cached_lately {
 public:
  using clock = std::chrono::steady_clock;
  // The kernel keeps what was read so recently, save in the greatest need.
  static constexpr std::chrono::milliseconds remembered_for{1000};

  void note(const entry& file, clock::time_point now) noexcept {
    const auto key = key_of(file);
    slot_of(key).store(word_of(key, ms_of(now)), std::memory_order_relaxed);
  }

  [[nodiscard]] bool holds(const entry& file, clock::time_point now) const noexcept {
    const auto key = key_of(file);
    const auto found = slot_of(key).load(std::memory_order_relaxed);
    const auto age_ms = ms_of(now) - static_cast<std::uint32_t>(found);
    return found == word_of(key, static_cast<std::uint32_t>(found)) &&
           age_ms < remembered_for.count();
  }

 private:
  static constexpr std::size_t slot_count = std::size_t{1} << 15;

  // Never 0 in the half that tells a slot's file, so that an empty slot is nobody's.
  static std::uint64_t key_of(const entry& file) noexcept {
    std::uint64_t key = 0;
    for (const std::uint64_t part :
         {file.id.dev, file.id.ino, static_cast<std::uint64_t>(file.id.btime_ns), file.size_bytes,
          static_cast<std::uint64_t>(file.mtime_ns)}) {
      key = (key ^ part) * 0x9E3779B97F4A7C15U;
      key ^= key >> 32U;
    }
    return key | std::uint64_t{1} << 32U;
  }
  static std::uint32_t ms_of(clock::time_point at) noexcept {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count());
  }
  static std::uint64_t word_of(std::uint64_t key, std::uint32_t ms) noexcept {
    return (key & ~std::uint64_t{0xFFFFFFFF}) | ms;
  }
  [[nodiscard]] const std::atomic<std::uint64_t>& slot_of(std::uint64_t key) const noexcept {
    return slots_[key % slot_count];
  }
  [[nodiscard]] std::atomic<std::uint64_t>& slot_of(std::uint64_t key) noexcept {
    return slots_[key % slot_count];
  }

  std::array<std::atomic<std::uint64_t>, slot_count> slots_{};
};

}  // namespace sluice::store
