#include "access/backoff.h"

#include <algorithm>

namespace sluice::access {

backoff::entry& backoff::touch(const std::string& who, clock::time_point now) {
  const auto known = found_.find(who);
  if (known != found_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    entry& one = entries_.front();
    if (now - one.last >= limits_.memory) one.tries = 0;
    return one;
  }
  if (entries_.size() >= limits_.entries_max) {
    found_.erase(entries_.back().who);
    entries_.pop_back();
  }
  entries_.push_front({.who = who, .tries = 0, .last = now, .next = now});
  found_.emplace(who, entries_.begin());
  return entries_.front();
}

std::chrono::milliseconds backoff::begin_try(const std::string& who, clock::time_point now) {
  const std::lock_guard lock(mutex_);
  entry& one = touch(who, now);
  if (now < one.next) {
    return std::chrono::ceil<std::chrono::milliseconds>(one.next - now);
  }
  one.last = now;
  ++one.tries;
  if (one.tries >= limits_.free_tries) {
    const unsigned doublings = std::min(one.tries - limits_.free_tries, 20U);
    one.next = now + std::min(limits_.first * (1U << doublings), limits_.most);
  }
  return std::chrono::milliseconds(0);
}

void backoff::forgive(const std::string& who) {
  const std::lock_guard lock(mutex_);
  const auto known = found_.find(who);
  if (known == found_.end()) return;
  entries_.erase(known->second);
  found_.erase(known);
}

std::size_t backoff::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sluice::access
