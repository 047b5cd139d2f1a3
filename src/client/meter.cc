#include "client/meter.h"

#include <algorithm>

namespace sluice::client {

void meter::tell() {
  if (known_) {
    snapshot_.bytes_total = bytes_expected_;
    snapshot_.files_total = files_expected_;
  }
  told_ = true;
  next_ = std::chrono::steady_clock::now() + interval;
  watcher_.on_progress(snapshot_);
}

void meter::tell_sometimes() {
  if (waiting_) return;
  if (std::chrono::steady_clock::now() >= next_) return tell();
  tell_later();
}

void meter::tell_later() {
  if (over_) return;
  waiting_ = true;
  later_.expires_at(next_);
  later_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    waiting_ = false;
    tell();
  });
}

void meter::end() {
  over_ = true;
  later_.cancel();
}

void meter::begin_anew() {
  snapshot_ = {};
  bytes_expected_ = files_expected_ = 0;
  known_ = held_ = false;
}

void meter::enter(phase now, std::string_view path) {
  if (!path.empty()) snapshot_.path = path;
  if (told_ && (held_ || snapshot_.now == now)) return tell_sometimes();
  snapshot_.now = now;
  tell();
}

void meter::hold(phase now) {
  held_ = false;
  enter(now);
  held_ = true;
}

void meter::expect(std::uint64_t bytes, std::uint64_t files) {
  bytes_expected_ += bytes;
  files_expected_ += files;
}

void meter::totals_known() { known_ = true; }

void meter::moved(std::int64_t bytes) {
  const auto done = static_cast<std::int64_t>(snapshot_.bytes_done) + bytes;
  snapshot_.bytes_done = static_cast<std::uint64_t>(std::max<std::int64_t>(done, 0));
  tell_sometimes();
}

void meter::file_done(std::uint64_t count) {
  snapshot_.files_done += count;
  tell_sometimes();
}

}  // namespace sluice::client
