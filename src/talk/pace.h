// How fast somebody may talk: so many at once, then so many a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

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

  explicit pace(pace_limits limits) : limits_(limits) {}

  // False: not yet.
  [[nodiscard]] bool try_take(const std::string& who, clock::time_point now);

  [[nodiscard]] std::size_t size() const;

 private:
  struct entry {
    std::string who;
    double left = 0;
    clock::time_point since;
  };
  using entries = std::list<entry>;  // the latest first

  [[nodiscard]] entry& touch(const std::string& who, clock::time_point now);

  const pace_limits limits_;
  mutable std::mutex mutex_;
  entries entries_;
  std::unordered_map<std::string, entries::iterator> found_;
};

}  // namespace sluice::talk
