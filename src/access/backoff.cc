#include "access/backoff.h"

#include <algorithm>

namespace sluice::access {

std::chrono::milliseconds backoff::begin_try(const std::string& who, clock::time_point now) {
  const std::lock_guard lock(mutex_);
  entry& one = entries_.touch(who, {.tries = 0, .last = now, .next = now});
  if (now - one.last >= limits_.memory) one.tries = 0;
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
  entries_.erase(who);
}

void backoff::take_back(const std::string& who) {
  const std::lock_guard lock(mutex_);
  entry* const one = entries_.find(who);
  if (one == nullptr || one->tries == 0) return;
  --one->tries;
  one->next = one->last;
}

std::size_t backoff::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sluice::access
