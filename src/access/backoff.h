// How long somebody who guesses has to wait: a few tries are free, then each one doubles the wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

#include "base/recent_map.h"

namespace sluice::access {

struct backoff_limits {
  unsigned free_tries = 5;
  std::chrono::milliseconds first{1'000};
  std::chrono::milliseconds most{60'000};
  std::chrono::milliseconds memory{3'600'000};  // without a try for so long, it begins anew
  std::size_t entries_max = 4096;               // then the one that tried least lately is forgotten
};

// Any thread. Time is the caller's, so that a test need not wait.
class backoff {
 public:
  using clock = std::chrono::steady_clock;

  explicit backoff(backoff_limits limits) : limits_(limits), entries_(limits.entries_max) {}

  // Counts a try. More than 0: it must not be made before so much time has passed, and did not
  // count. Who makes it and is right is forgiven; so several at the same time count as well.
  [[nodiscard]] std::chrono::milliseconds begin_try(const std::string& who, clock::time_point now);
  void forgive(const std::string& who);
  // The latest try was not made after all.
  void take_back(const std::string& who);

  [[nodiscard]] std::size_t size() const;

 private:
  struct entry {
    unsigned tries = 0;
    clock::time_point last;
    clock::time_point next;  // not before
  };

  const backoff_limits limits_;
  mutable std::mutex mutex_;
  base::recent_map<entry> entries_;
};

}  // namespace sluice::access
