// What all uploads under way may take together.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "sluice/error.h"

namespace sluice::transfer {

// Thread-safe.
class quota {
 public:
  // no_space: more than `most_bytes` would be taken in all; 0: no limit.
  [[nodiscard]] result<void> take(std::uint64_t bytes, std::uint64_t most_bytes) {
    const std::lock_guard lock(mutex_);
    if (most_bytes > 0 && (taken_ > most_bytes || bytes > most_bytes - taken_)) {
      return fail(errc::no_space, "uploads under way hold " + base::format_size(taken_) +
                                      " of the " + base::format_size(most_bytes) +
                                      " that they may take, and this one needs " +
                                      base::format_size(bytes));
    }
    taken_ += bytes;
    return {};
  }
  void give_back(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    taken_ -= bytes;
  }
  [[nodiscard]] std::uint64_t taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t taken_ = 0;
};

// One upload's part, given back at its end. Thread-safe.
class quota_share {
 public:
  explicit quota_share(std::shared_ptr<quota> of) : of_(std::move(of)) {}
  ~quota_share() { release(); }
  quota_share(const quota_share&) = delete;
  quota_share& operator=(const quota_share&) = delete;

  // Never shrinks. no_space, see quota::take.
  [[nodiscard]] result<void> grow_to(std::uint64_t bytes, std::uint64_t most_bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes <= mine_) return {};
    auto taken = of_->take(bytes - mine_, most_bytes);
    if (taken) mine_ = bytes;
    return taken;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    of_->give_back(mine_);
    mine_ = 0;
  }

 private:
  const std::shared_ptr<quota> of_;
  std::mutex mutex_;
  std::uint64_t mine_ = 0;
};

}  // namespace sluice::transfer
