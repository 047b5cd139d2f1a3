// How fast somebody may talk: so many at once, then so many a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

#include "base/recent_map.h"

namespace sluice::talk {

struct pace_limits {
  double per_second = 5;
  double at_once = 20;
  std::size_t entries_max = 4096;  // then whoever talked least lately is forgotten
};

// Any thread. Time is the caller's, so that a test need not wait.
class pace {
 public:
  using clock = std::chrono::steady_clock;

  explicit pace(pace_limits limits) : limits_(limits), entries_(limits.entries_max) {}

  // False: not yet.
  [[nodiscard]] bool try_take(const std::string& who, clock::time_point now);

  [[nodiscard]] std::size_t size() const;

 private:
  struct entry {
    double left = 0;
    clock::time_point since;
  };

  const pace_limits limits_;
  mutable std::mutex mutex_;
  base::recent_map<entry> entries_;
};

}  // namespace sluice::talk
