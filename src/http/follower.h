// A connection that hears what happens in the served folder.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/service.h"
#include "net/signal.h"
#include "transfer/events.h"

namespace sluice::http {

// Shared, so that a wake-up that is on its way may find it gone. All calls on the thread of
// `where`; news come from any.
class follower : public std::enable_shared_from_this<follower> {
 public:
  [[nodiscard]] static std::shared_ptr<follower> make(const executor& where);
  explicit follower(executor where) : where_(std::move(where)), changed_(where_) {}

  // From now on it may follow folders.
  void listen(transfer::events& events) { heard_ = events.subscribe(waker()); }
  [[nodiscard]] bool is_following() const noexcept { return heard_ != nullptr; }
  [[nodiscard]] transfer::subscription& heard() noexcept { return *heard_; }

  // Nudges, from any thread.
  [[nodiscard]] std::function<void()> waker();

  // Until there may be news, or somebody nudges. Who waits looks for itself first.
  awaitable<void> changed() { return changed_.wait(); }
  void nudge() { changed_.notify_all(); }

 private:
  const executor where_;
  net::signal changed_;
  std::unique_ptr<transfer::subscription> heard_;
};

// Follows what is there. The arguments outlive the coroutine.
//   not_found, invalid_argument, not_allowed: as `tree::stat`; busy: too many are followed
awaitable<result<void>> follow(follower& by, service& shared, const base::caller_ptr& who,
                               const std::string& path, bool recursive);

}  // namespace sluice::http
