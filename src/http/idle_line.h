// The connections of a thread that wait for their next request, who waits longest first.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>

#include "sluice/awaitable.h"

namespace sluice::http {

// Somebody in the line. One thread; leaves it before it ends.
class idler : public boost::intrusive::list_base_hook<> {
 public:
  idler(const idler&) = delete;
  idler& operator=(const idler&) = delete;

  [[nodiscard]] virtual std::chrono::steady_clock::time_point idle_since() const noexcept = 0;
  // It is out of the line, and is to keep what it needs while nobody speaks on it.
  virtual void go_parking() = 0;

 protected:
  idler() = default;
  ~idler() = default;
};

// One for each io_context, on its thread.
class idle_line {
 public:
  idle_line() = default;
  idle_line(const idle_line&) = delete;
  idle_line& operator=(const idle_line&) = delete;

  // Lives as long as the io_context does.
  [[nodiscard]] static idle_line& of(const executor& where);

  // At its end. Whoever waits long at its front while many wait behind goes parking: so a few stay
  // awake, whose next request costs nothing more, and thousands do not cost the memory of being
  // awake.
  void enter(idler& who);
  // Harmless for one who is not in it.
  void leave(idler& who) noexcept;
  // Everybody leaves.
  void clear() noexcept { line_.clear(); }

 private:
  boost::intrusive::list<idler> line_;
};

// Of one thread: so many stay in the line whatever happens, and everybody for so long.
inline constexpr std::size_t awake_max = 128;
inline constexpr std::chrono::milliseconds awake_at_least{20};

}  // namespace sluice::http
