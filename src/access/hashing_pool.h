// The few threads that hash passwords. Each hash takes 19 MiB and a core for a while, and anybody
// can ask for one: so there is a bound on both, and beyond it nothing waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::access {

// Owner: the gate. Any thread.
class hashing_pool {
 public:
  using work = std::move_only_function<void()>;

  hashing_pool(std::size_t threads, std::size_t waiting_max);
  // What waits is still done.
  ~hashing_pool();
  hashing_pool(const hashing_pool&) = delete;
  hashing_pool& operator=(const hashing_pool&) = delete;

  // False: as many wait as may, and `task` was not taken.
  [[nodiscard]] bool try_run(work task);

 private:
  void serve();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<work> waiting_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace sluice::access
