#include "base/budget.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace sluice::base {
namespace {

bool is_over(std::uint64_t taken, std::uint64_t wanted, std::uint64_t limit) {
  return limit > 0 && wanted > 0 && (taken > limit || wanted > limit - taken);
}

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

}  // namespace

void budget::set(const budget_limits& limits) {
  const std::lock_guard lock(mutex_);
  if (limits.rate_bytes != limits_.rate_bytes) rate_ = rate(limits.rate_bytes);
  limits_ = limits;
}

void budget::set_used(std::uint64_t bytes, std::uint64_t files) {
  const std::lock_guard lock(mutex_);
  taken_.bytes = bytes;
  taken_.files = files;
}

budget_limits budget::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

budget_use budget::use() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

bool budget::is_counted() const {
  const auto mine = limits();
  return mine.bytes > 0 || mine.files > 0 || (above_ && above_->is_counted());
}

result<void> budget::take_here(const budget_use& wanted) {
  const std::lock_guard lock(mutex_);
  if (is_over(taken_.bytes, wanted.bytes, limits_.bytes)) {
    return fail(errc::no_space, whose_ + " may give " + format_size(limits_.bytes) +
                                    " in all and gave " + format_size(taken_.bytes) +
                                    " of it; this is " + format_size(wanted.bytes) + " more");
  }
  if (is_over(taken_.files, wanted.files, limits_.files)) {
    return fail(errc::no_space,
                whose_ + " may give " + counted(limits_.files, "file") + " in all, and did");
  }
  if (is_over(taken_.uploads, wanted.uploads, limits_.uploads)) {
    return fail(errc::busy, whose_ + " may have " + counted(limits_.uploads, "upload") +
                                " open at a time, and has");
  }
  if (is_over(taken_.connections, wanted.connections, limits_.connections)) {
    return fail(errc::busy, whose_ + " may have " + counted(limits_.connections, "connection") +
                                " at a time, and has");
  }
  taken_.bytes += wanted.bytes;
  taken_.files += wanted.files;
  taken_.uploads += wanted.uploads;
  taken_.connections += wanted.connections;
  return {};
}

void budget::give_back_here(const budget_use& some) {
  const std::lock_guard lock(mutex_);
  // Less than was taken where the count began anew meanwhile.
  taken_.bytes -= std::min(taken_.bytes, some.bytes);
  taken_.files -= std::min(taken_.files, some.files);
  taken_.uploads -= std::min(taken_.uploads, some.uploads);
  taken_.connections -= std::min(taken_.connections, some.connections);
}

result<void> budget::take(const budget_use& wanted) {
  if (auto taken = take_here(wanted); !taken) return taken;
  if (!above_) return {};
  auto taken = above_->take(wanted);
  if (!taken) give_back_here(wanted);
  return taken;
}

void budget::take_anyway(const budget_use& there) {
  {
    const std::lock_guard lock(mutex_);
    taken_.bytes += there.bytes;
    taken_.files += there.files;
    taken_.uploads += there.uploads;
    taken_.connections += there.connections;
  }
  if (above_) above_->take_anyway(there);
}

void budget::give_back(const budget_use& some) {
  give_back_here(some);
  if (above_) above_->give_back(some);
}

bool budget::has_rate() const { return limits().rate_bytes > 0 || (above_ && above_->has_rate()); }

std::chrono::nanoseconds budget::pass(std::uint64_t bytes, clock::time_point now) {
  std::chrono::nanoseconds wait{0};
  {
    const std::lock_guard lock(mutex_);
    wait = rate_.pass(bytes, now);
  }
  return above_ ? std::max(wait, above_->pass(bytes, now)) : wait;
}

result<budget_place> budget_place::take(budget_ptr of) {
  if (!of) return budget_place();
  if (auto taken = of->take({.connections = 1}); !taken) return std::unexpected(taken.error());
  return budget_place(std::move(of));
}

budget_place& budget_place::operator=(budget_place&& other) noexcept {
  if (this == &other) return *this;
  leave();
  of_ = std::move(other.of_);
  return *this;
}

void budget_place::leave() noexcept {
  if (const auto of = std::exchange(of_, nullptr)) of->give_back({.connections = 1});
}

}  // namespace sluice::base
