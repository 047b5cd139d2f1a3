// Deadlines of many connections for the price of one timer a thread.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <optional>

#include "sluice/awaitable.h"

namespace sluice::net {

// Something with deadlines that does not need to know of them to the millisecond. One thread: that
// of its io_context.
class watched {
 public:
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;

  // Called now and then (see `watch`). May end what it is about, not destroy the object.
  virtual void look(std::chrono::steady_clock::time_point now) = 0;

 protected:
  watched() = default;
  ~watched() = default;
};

// Has `object.look` called at least as often as `pause` says while this lives; so a deadline of
// eight pauses is kept to an eighth. Movable. It ends before the object does.
class watch {
 public:
  watch() = default;
  watch(const executor& where, watched& object, std::chrono::milliseconds pause);
  ~watch() { end(); }
  watch(watch&& other) noexcept { swap(other); }
  watch& operator=(watch&& other) noexcept {
    swap(other);
    return *this;
  }
  void end() noexcept;

 private:
  class list;
  void swap(watch& other) noexcept {
    std::swap(list_, other.list_);
    std::swap(place_, other.place_);
  }

  list* list_ = nullptr;
  std::list<watched*>::iterator place_;
};

// The pause that suits a deadline: an eighth of it, between 5 ms and 1 s.
[[nodiscard]] constexpr std::chrono::milliseconds pause_for(std::chrono::milliseconds deadline) {
  using std::chrono::milliseconds;
  return std::max(milliseconds(5), std::min(milliseconds(1000), deadline / 8));
}

}  // namespace sluice::net
