// A bucket of tokens, a token a byte: so many bytes a second on average, and a tenth of a second's
// worth at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluice::base {

// One thread at a time. Time is the caller's.
class rate {
 public:
  using clock = std::chrono::steady_clock;

  // 0: no limit.
  explicit rate(std::uint64_t bytes_per_second = 0) : bytes_per_second_(bytes_per_second) {}

  [[nodiscard]] std::uint64_t bytes_per_second() const noexcept { return bytes_per_second_; }

  // The bytes passed, or will now: how long to wait before the next ones. A debt is never
  // forgotten, so several may share one, each waiting for its own.
  [[nodiscard]] std::chrono::nanoseconds pass(std::uint64_t bytes, clock::time_point now) {
    using std::chrono::nanoseconds;
    if (bytes_per_second_ == 0) return nanoseconds(0);
    constexpr std::uint64_t second_ns = 1'000'000'000;
    paid_until_ = std::max(paid_until_, now - burst);
    const auto whole = bytes / bytes_per_second_;
    const auto rest = bytes % bytes_per_second_;
    const double part = static_cast<double>(rest) / static_cast<double>(bytes_per_second_);
    paid_until_ += std::chrono::seconds(whole) +
                   nanoseconds(static_cast<std::int64_t>(part * static_cast<double>(second_ns)));
    return std::max(nanoseconds(0), nanoseconds(paid_until_ - now));
  }

 private:
  static constexpr std::chrono::milliseconds burst{100};

  std::uint64_t bytes_per_second_;
  clock::time_point paid_until_{};
};

}  // namespace sluice::base
