// A condition that coroutines of one thread wait for.
#pragma once

#include "sluice/awaitable.h"

namespace sluice::net {

// Owned by a session and used on its thread only. A waiter looks at its own condition first and
// again after every wake-up: `while (!ready()) co_await changed.wait();`. Waiters must be gone
// before the signal is.
class signal {
 public:
  explicit signal(const executor& where) : timer_(where, steady_timer::time_point::max()) {}

  // Waits for the next notify_all().
  awaitable<void> wait() { co_await timer_.async_wait(as_tuple); }

  void notify_all() { timer_.cancel(); }

 private:
  steady_timer timer_;
};

}  // namespace sluice::net
