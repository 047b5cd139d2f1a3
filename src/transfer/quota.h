// What all uploads under way may take together.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/budget.h"
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

// One upload's part, and what it takes of its owner's budget; given back at its end, but for what
// came to stay. Thread-safe.
class quota_share {
 public:
  // `owner` may be null.
  quota_share(std::shared_ptr<quota> of, base::budget_ptr owner)
      : of_(std::move(of)), owner_(std::move(owner)) {}
  ~quota_share() { release(); }
  quota_share(const quota_share&) = delete;
  quota_share& operator=(const quota_share&) = delete;

  // Of what is taken of the owner's budget. A part of another upload is no file; the bytes of what
  // is joined are its parts' until it is done.
  struct kind {
    bool is_file = true;
    bool has_bytes = true;
  };
  // Before anything else. no_space, busy: see base::budget.
  [[nodiscard]] result<void> open(kind what) {
    const base::budget_use wanted{.files = what.is_file ? 1U : 0U, .uploads = 1};
    has_bytes_ = what.has_bytes;
    if (owner_) {
      if (auto taken = owner_->take(wanted); !taken) return taken;
    }
    taken_ = wanted;
    return {};
  }
  // What is there already, whatever the limits say.
  void open_anyway(std::uint64_t bytes, kind what) {
    const std::lock_guard lock(mutex_);
    (void)of_->take(bytes, 0);
    mine_ = bytes;
    has_bytes_ = what.has_bytes;
    taken_ = {.bytes = has_bytes_ ? bytes : 0, .files = what.is_file ? 1U : 0U, .uploads = 1};
    if (owner_) owner_->take_anyway(taken_);
  }

  // Never shrinks. no_space, see quota::take.
  [[nodiscard]] result<void> grow_to(std::uint64_t bytes, std::uint64_t most_bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes <= mine_) return {};
    const std::uint64_t more = bytes - mine_;
    const base::budget_use of_owner{.bytes = owner_ && has_bytes_ ? more : 0};
    if (of_owner.bytes > 0) {
      if (auto taken = owner_->take(of_owner); !taken) return taken;
    }
    auto taken = of_->take(more, most_bytes);
    if (!taken) {
      if (of_owner.bytes > 0) owner_->give_back(of_owner);
      return taken;
    }
    mine_ = bytes;
    taken_.bytes += of_owner.bytes;
    return taken;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    of_->give_back(mine_);
    mine_ = 0;
    if (owner_) owner_->give_back(taken_);
    taken_ = {};
  }
  // It became a file of so many bytes: of the budget that is taken for good.
  void stay(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    of_->give_back(mine_);
    mine_ = 0;
    if (owner_) {
      if (bytes > taken_.bytes) owner_->take_anyway({.bytes = bytes - taken_.bytes});
      const auto over = taken_.bytes > bytes ? taken_.bytes - bytes : 0;
      owner_->give_back({.bytes = over, .uploads = taken_.uploads});
    }
    taken_ = {};
  }
  // What it gives has to be counted durably.
  [[nodiscard]] bool is_counted() const { return owner_ && owner_->is_counted(); }

 private:
  const std::shared_ptr<quota> of_;
  const base::budget_ptr owner_;
  std::mutex mutex_;
  std::uint64_t mine_ = 0;
  bool has_bytes_ = true;
  base::budget_use taken_;
};

}  // namespace sluice::transfer
