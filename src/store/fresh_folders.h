// Which folders have names that a power loss may still take away.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <map>
#include <mutex>

#include "store/path.h"

namespace sluice::store {

// A folder is fresh from when it gets its name until the folder that holds it is synced. Whoever
// acknowledges something in a folder that somebody else made a moment ago has to make the way to it
// durable too. Thread-safe. As many entries as folders are being made: each is made by a call that
// syncs it before it answers.
class fresh_folders {
 public:
  using moment = std::uint64_t;

  // Runs `make()`, which gives a folder its name and answers 0, or a negative number where it
  // failed. Nobody who sees the folder finds it missing here.
  template <std::invocable Make>
  int name(const rel_path& folder, Make&& make) {
    const std::lock_guard lock(mutex_);
    const int answer = make();
    if (answer == 0) {
      made_at_[folder] = ++now_;
      any_ = true;
    }
    return answer;
  }

  // The folder's name, or one of a folder above it, may not be durable yet.
  [[nodiscard]] bool on_the_way_to(const rel_path& folder) const {
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::lock_guard lock(mutex_);
    for (rel_path at = folder; !at.is_root(); at = at.parent()) {
      if (made_at_.contains(at)) return true;
    }
    return false;
  }

  // To be asked before a sync begins, and told when it succeeded.
  [[nodiscard]] moment now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void synced(const rel_path& holder, moment before) {
    forget(
        [&](const auto& each) { return each.second <= before && each.first.parent() == holder; });
  }
  // The folder was removed, with all that was in it, by what began at `before`.
  void removed(const rel_path& folder, moment before) {
    forget([&](const auto& each) { return each.second <= before && folder.holds(each.first); });
  }
  void all_synced(moment before) {
    forget([&](const auto& each) { return each.second <= before; });
  }

 private:
  template <class Durable>
  void forget(Durable&& is_durable) {
    if (!any_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(mutex_);
    std::erase_if(made_at_, is_durable);
    any_ = !made_at_.empty();
  }

  mutable std::mutex mutex_;
  std::atomic<bool> any_ = false;  // so that those who make no folders take no lock
  std::map<rel_path, moment> made_at_;
  moment now_ = 0;
};

}  // namespace sluice::store
