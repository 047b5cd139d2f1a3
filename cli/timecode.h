// Times of a film as its editors count them: in frames, and in timecode (SMPTE ST 12-1). Pure
// functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

// Frames a second, as a fraction: 24000/1001 is what is called 23.976.
struct frame_rate {
  std::uint64_t frames = 25;   // in
  std::uint64_t seconds = 1;   // so many seconds
  std::uint64_t counted = 25;  // frames in a second of timecode
  // The first numbers of each minute but every tenth are left away, so that the timecode keeps up
  // with the clock (ST 12-1, 5.2.2): 2 of 29.97, 4 of 59.94.
  bool drops = false;

  friend bool operator==(const frame_rate&, const frame_rate&) = default;
};

// "23.976", "24", "25", "29.97" (drop-frame), "29.97ndf", "30", "50", "59.94" (drop-frame),
// "59.94ndf", "60"; nullopt for anything else.
[[nodiscard]] std::optional<frame_rate> parse_frame_rate(std::string_view text);
[[nodiscard]] std::string_view name_of(const frame_rate& rate);
// All of them.
[[nodiscard]] const std::vector<std::string>& frame_rate_names();
// The one of them that is meant by a measured rate: 29.97 and 30 are a thousandth apart, so it has
// to be closer than half of that. Drop-frame where there is a choice.
[[nodiscard]] std::optional<frame_rate> frame_rate_near(double frames_a_second);

// The frame that is shown at that time, from 0. Times are known to the millisecond: a frame that
// begins within the next one counts as begun.
[[nodiscard]] std::uint64_t frame_at(std::uint64_t time_ms, const frame_rate& rate);

// "01:00:59:24", of drop-frame "01:00:59;29". From 24 hours on it begins anew.
[[nodiscard]] std::string timecode(std::uint64_t frame, const frame_rate& rate);
// The frame of a timecode; nullopt where there is none such, as of numbers that are left away.
[[nodiscard]] std::optional<std::uint64_t> parse_timecode(std::string_view text,
                                                          const frame_rate& rate);

}  // namespace sluice::cli
