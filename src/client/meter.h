// Counts what a call does and tells its observer, not too often.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/observer.h"
#include "sluice/awaitable.h"

namespace sluice::client {

// Owned by the session; the I/O thread only. The observer is the caller's and outlives it.
class meter {
 public:
  // At most one snapshot in this time, changes of phase apart; and what a snapshot left out is told
  // at its end, so that a transfer that stands shows how far it came.
  static constexpr std::chrono::milliseconds interval{100};

  meter(observer& watcher, const executor& where) : watcher_(watcher), later_(where) {}

  // All is forgotten: the work is done once more from its beginning.
  void begin_anew();
  // A phase begins; told at once where it is another one.
  void enter(phase now, std::string_view path = {});
  // From now on the phase stays: many files are at work, each in another.
  void hold(phase now);
  // The file at work.
  void at(std::string_view path) { snapshot_.path = path; }
  // More is to be done than was known. While a tree is still being walked the totals stay untold.
  void expect(std::uint64_t bytes, std::uint64_t files);
  void totals_known();
  // Content that is done; negative where it turned out to be lost.
  void moved(std::int64_t bytes);
  void file_done(std::uint64_t count = 1);
  void notice(std::string_view text) { watcher_.on_notice(text); }
  // Nothing is told later any more: the I/O thread may end.
  void end();
  // The final snapshot.
  void finish() { tell(); }

 private:
  void tell();
  void tell_sometimes();
  void tell_later();

  observer& watcher_;
  steady_timer later_;
  progress snapshot_;
  std::uint64_t bytes_expected_ = 0;
  std::uint64_t files_expected_ = 0;
  bool known_ = false;
  bool told_ = false;
  bool held_ = false;
  bool waiting_ = false;  // for the end of the interval
  bool over_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace sluice::client
