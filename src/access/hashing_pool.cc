#include "access/hashing_pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <iterator>
#include <utility>

namespace sluice::access {
namespace {

constexpr int niceness = 15;

// Linux has these by thread. Where it is forbidden, hashes are as urgent as all else.
void yield_to_others() {
  const sched_param none{};
  (void)::sched_setscheduler(0, SCHED_BATCH, &none);
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

}  // namespace

hashing_pool::hashing_pool(std::size_t threads, std::size_t waiting_max)
    : waiting_max_(waiting_max) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

hashing_pool::~hashing_pool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  threads_.clear();
}

void hashing_pool::add(place where, task what) {
  std::multimap<place, task>::node_type last;
  {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(where, std::move(what));
    if (waiting_.size() > waiting_max_) last = waiting_.extract(std::prev(waiting_.end()));
  }
  more_.notify_one();
  if (last) last.mapped().turn_away();
}

void hashing_pool::serve() {
  yield_to_others();
  for (;;) {
    work next;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      next = std::move(waiting_.extract(waiting_.begin()).mapped().run);
    }
    next();
  }
}

}  // namespace sluice::access
