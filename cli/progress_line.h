// The one line that shows how far a transfer is. Pure, apart from the clock that is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "client/observer.h"

namespace sluice::cli {

using time_point = std::chrono::steady_clock::time_point;

// How fast bytes moved during the last few seconds. One thread at a time.
class speed_meter {
 public:
  // Begins anew when the phase changes or the count goes back.
  void add(client::phase now, std::uint64_t bytes_done, time_point when);

  // Bytes per second; absent before there is something to tell.
  [[nodiscard]] std::optional<double> bytes_per_second(time_point when) const;

 private:
  struct sample {
    time_point when;
    std::uint64_t bytes = 0;
  };
  std::deque<sample> samples_;  // at most `window` old, at most one each 100 ms
  client::phase phase_ = client::phase::connecting;
};

// Cells that a terminal uses for the text; 2 for a wide character (Chinese). Needs a UTF-8
// LC_CTYPE.
[[nodiscard]] std::size_t display_width(std::string_view text);

// The text in at most `columns` cells, with "..." in place of its middle.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);

// "sending 45%  1.2 GB of 2.7 GB  110.0 MB/s  13 s left  film.mov", safe to show, at most `columns`
// wide: first the path gets shorter, then whole parts go, from the right. `in_phase` is how long
// the phase has lasted; it is shown where nothing else moves.
[[nodiscard]] std::string progress_line(const client::progress& snapshot,
                                        std::optional<double> bytes_per_second,
                                        std::chrono::milliseconds in_phase, std::size_t columns);

}  // namespace sluice::cli
