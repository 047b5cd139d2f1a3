// Bytes in a row: appended at the end, taken from the front. Unlike a vector it does not fill its
// room with zeros before something is written there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace sluice::detail {

class byte_queue {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // Valid until the next call of reserve_room().
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {memory_.get() + begin_, size()};
  }

  // All that is free behind the end.
  [[nodiscard]] std::span<std::byte> room() noexcept {
    return {memory_.get() + end_, capacity_ - end_};
  }
  // Makes `room()` at least `count` bytes.
  void reserve_room(std::size_t count) {
    if (capacity_ - end_ >= count) return;
    if (begin_ >= capacity_ / 2 && capacity_ - size() >= count) {
      std::memmove(memory_.get(), memory_.get() + begin_, size());
    } else {
      // Twice the room each time, so that many small pieces do not move the queue each time.
      const std::size_t grown = std::max({least, 2 * capacity_, size() + count});
      auto memory = std::make_unique_for_overwrite<std::byte[]>(grown);
      if (!empty()) std::memcpy(memory.get(), memory_.get() + begin_, size());
      memory_ = std::move(memory);
      capacity_ = grown;
    }
    end_ = size();
    begin_ = 0;
  }
  // The first `count` bytes of the room belong to the queue now.
  void append(std::size_t count) noexcept { end_ += count; }
  void drop_front(std::size_t count) noexcept { begin_ += count; }
  void clear() noexcept { begin_ = end_ = 0; }

 private:
  static constexpr std::size_t least = 256;

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace sluice::detail
