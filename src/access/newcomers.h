// Whether more come for the first time than can be heard.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluice::access {

// A leaky bucket. One thread at a time. Time is the caller's, so that a test need not wait.
class newcomers {
 public:
  using clock = std::chrono::steady_clock;

  // So many a second are heard, as many of them at once; 0: nobody at first.
  explicit newcomers(std::uint32_t heard_per_second)
      : each_(heard_per_second == 0 ? full : std::chrono::nanoseconds(most) / heard_per_second) {}

  // One more came; true: it is not heard. Those count as well: so a flood is not heard for as long
  // as it lasts, and a second beyond.
  [[nodiscard]] bool is_one_too_many(clock::time_point now) {
    empty_at_ = std::min(std::max(empty_at_, now) + each_, now + full);
    return empty_at_ - now > most;
  }

 private:
  static constexpr std::chrono::seconds most{1};
  static constexpr std::chrono::nanoseconds full = 2 * most;

  std::chrono::nanoseconds each_;
  clock::time_point empty_at_{};
};

}  // namespace sluice::access
