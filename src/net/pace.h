// Going no faster than somebody says: whoever moves bytes tells how many, and rests for as long as
// they cost.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "sluice/awaitable.h"

namespace sluice::net {

// Owner: one coroutine that moves bytes, on its thread. Without a meter it costs nothing.
class pace {
 public:
  using clock = std::chrono::steady_clock;
  // What to wait for behind so many bytes. It may be shared by many, on any threads, if it says so.
  using meter = std::function<std::chrono::nanoseconds(std::uint64_t bytes)>;

  // So much is moved at once where there is a meter: rests are short then.
  static constexpr std::size_t step_bytes = std::size_t{64} << 10;

  explicit pace(const executor& where) : timer_(where) {}

  void use(meter by) { meter_ = std::move(by); }
  [[nodiscard]] bool is_on() const noexcept { return static_cast<bool>(meter_); }
  [[nodiscard]] std::size_t step(std::size_t bytes) const noexcept {
    return is_on() && bytes > step_bytes ? step_bytes : bytes;
  }

  void passed(std::uint64_t bytes) {
    if (!meter_ || bytes == 0) return;
    const auto wait = meter_(bytes);
    if (wait.count() > 0) until_ = clock::now() + wait;
  }
  [[nodiscard]] bool is_due() const { return is_on() && !ended_ && clock::now() < until_; }

  // Until what passed is paid for, or `end`.
  awaitable<void> rest() {
    resting_ = true;
    while (is_due()) {
      timer_.expires_at(until_);
      co_await timer_.async_wait(as_tuple);
    }
    resting_ = false;
  }
  // The same, but at most so long at a time: for one who has to look at something else, too.
  awaitable<void> rest_for(std::chrono::milliseconds most) {
    timer_.expires_at(std::min(until_, clock::now() + most));
    co_await timer_.async_wait(as_tuple);
  }
  [[nodiscard]] bool is_resting() const noexcept { return resting_; }

  void end() {
    ended_ = true;
    timer_.cancel();
  }

 private:
  meter meter_;
  steady_timer timer_;
  clock::time_point until_{};
  bool resting_ = false;
  bool ended_ = false;
};

}  // namespace sluice::net
