#include "talk/pace.h"

#include <algorithm>

namespace sluice::talk {

bool pace::try_take(const std::string& who, clock::time_point now) {
  const std::lock_guard lock(mutex_);
  entry& mine = entries_.touch(who, {.left = limits_.at_once, .since = now});
  const std::chrono::duration<double> passed = now - mine.since;
  mine.left = std::min(limits_.at_once, mine.left + passed.count() * limits_.per_second);
  mine.since = now;
  if (mine.left < 1) return false;
  mine.left -= 1;
  return true;
}

std::size_t pace::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sluice::talk
