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

// At the end of the line of the io_context. Whoever waits long at its front while many wait behind
// goes parking: so a few stay awake, whose next request costs nothing more, and thousands do not
// cost the memory of being awake. Leaving is harmless for one who is not in it.
void enter_line(const executor& where, idler& who);
void leave_line(const executor& where, idler& who) noexcept;

// Of one thread: so many stay in the line whatever happens, and everybody for so long.
inline constexpr std::size_t awake_max = 128;
inline constexpr std::chrono::milliseconds awake_at_least{20};

}  // namespace sluice::http
