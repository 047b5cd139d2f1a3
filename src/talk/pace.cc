#include "talk/pace.h"

#include <algorithm>

namespace sluice::talk {

bool pace::try_take(const std::string& who, clock::time_point now) {
  const std::lock_guard lock(mutex_);
  auto& mine = touch(who, now);
  const std::chrono::duration<double> passed = now - mine.since;
  mine.left = std::min(limits_.at_once, mine.left + passed.count() * limits_.per_second);
  mine.since = now;
  if (mine.left < 1) return false;
  mine.left -= 1;
  return true;
}

pace::entry& pace::touch(const std::string& who, clock::time_point now) {
  if (const auto found = found_.find(who); found != found_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  if (entries_.size() >= limits_.entries_max) {
    found_.erase(entries_.back().who);
    entries_.pop_back();
  }
  entries_.push_front({.who = who, .left = limits_.at_once, .since = now});
  found_.emplace(who, entries_.begin());
  return entries_.front();
}

std::size_t pace::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sluice::talk
