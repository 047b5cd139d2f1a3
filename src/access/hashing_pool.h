// The few threads that hash passwords. Each hash takes 19 MiB and a core for a while, and anybody
// can ask for one: so there is a bound on both, and beyond it somebody is turned away. Who that is
// does not depend on luck: else a flood of guesses would keep everybody out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::access {

// Owner: the gate. Any thread.
class hashing_pool {
 public:
  using clock = std::chrono::steady_clock;
  using work = std::move_only_function<void()>;

  // Who goes first: those from where somebody came in before; then who asks since longest.
  struct place {
    bool is_known = false;
    clock::time_point since;

    friend bool operator<(const place& a, const place& b) noexcept {
      return a.is_known != b.is_known ? a.is_known : a.since < b.since;
    }
  };
  // One of the two is called, once; `turn_away` by whoever adds a task, and it is short.
  struct task {
    work run;
    work turn_away;
  };

  hashing_pool(std::size_t threads, std::size_t waiting_max);
  // What waits is still done.
  ~hashing_pool();
  hashing_pool(const hashing_pool&) = delete;
  hashing_pool& operator=(const hashing_pool&) = delete;

  // Where as many wait as may, the last of them all is turned away.
  void add(place where, task what);

 private:
  void serve();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::multimap<place, task> waiting_;  // the next first; equals as they came
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace sluice::access
