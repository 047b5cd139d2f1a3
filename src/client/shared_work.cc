#include "client/shared_work.h"

#include <utility>

namespace sluice::client {

shared_work::shared_work(session& owner, url server)
    : session_(owner), server_(std::move(server)), changed_(owner.where()) {}

void shared_work::start(task_group& in, unsigned streams) {
  streams_ = streams;
  for (unsigned i = 0; i < streams; ++i) in.spawn(stream());
}

void shared_work::fail_with(error why) {
  if (!failed_) failed_ = std::move(why);
  changed_.notify_all();
}

awaitable<void> shared_work::stream() {
  patience patient(session_);
  while (!is_over()) {
    if (session_.stopping()) {
      fail_with({.code = errc::cancelled, .context = {}});
      break;
    }
    if (is_idle()) {
      co_await changed_.wait();
      continue;
    }
    const auto before = done_so_far();
    error why;
    auto by = co_await session_.open(server_);
    if (by) {
      co_await serve(*by);
      if (!(*by)->lost()) {
        session_.give_back(std::move(*by));
        continue;
      }
      why = (*by)->why();
    } else {
      why = std::move(by.error());
    }
    if (is_over()) break;
    if (done_so_far() > before) patient.progress();
    const bool more = co_await patient.once_more(why);
    if (more) continue;
    if (streams_ == 1) fail_with(std::move(why));
    break;
  }
  --streams_;
}

}  // namespace sluice::client
