// Coroutines that one owner starts and waits for.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <cstddef>
#include <exception>
#include <utility>

#include "net/signal.h"
#include "sluice/awaitable.h"

namespace sluice::client {

// Owned by the coroutine that starts the tasks, which awaits join() before the group goes: so a
// task may use what that coroutine owns. One thread. A task that throws (a bug) is told by join().
class task_group {
 public:
  explicit task_group(const executor& where) : where_(where), changed_(where) {}
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  void spawn(awaitable<void> task) {
    ++running_;
    asio::co_spawn(where_, std::move(task), [this](const std::exception_ptr& thrown) {
      if (thrown && !thrown_) thrown_ = thrown;
      --running_;
      changed_.notify_all();
    });
  }

  [[nodiscard]] std::size_t running() const noexcept { return running_; }

  // Waits until at most `count` are running.
  awaitable<void> at_most(std::size_t count) {
    while (running_ > count) co_await changed_.wait();
  }

  awaitable<void> join() {
    co_await at_most(0);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

 private:
  executor where_;
  net::signal changed_;
  std::size_t running_ = 0;
  std::exception_ptr thrown_;
};

}  // namespace sluice::client
