#include "access/hashing_pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
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

// Of this thread: while others have its core, it takes nothing from them.
std::chrono::nanoseconds work_so_far() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

hashing_pool::hashing_pool(std::size_t threads, std::size_t waiting_max, unsigned rest_factor)
    : waiting_max_(waiting_max), rest_factor_(rest_factor) {
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
  more_.notify_all();  // one that rests may not be the one to do it
  if (last) last.mapped().turn_away();
}

void hashing_pool::serve() {
  yield_to_others();
  clock::time_point rests_until;
  for (;;) {
    std::move_only_function<bool()> next;
    {
      std::unique_lock lock(mutex_);
      more_.wait_until(lock, rests_until, [this] { return stopping_ || known_waits(); });
      more_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      next = std::move(waiting_.extract(waiting_.begin()).mapped().run);
    }
    const auto before = work_so_far();
    if (!next()) rests_until = clock::now() + rest_factor_ * (work_so_far() - before);
  }
}

}  // namespace sluice::access
