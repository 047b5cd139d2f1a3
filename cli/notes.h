// What was said about a film, written for the programs that cut it. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/timecode.h"
#include "client/talk.h"

namespace sluice::cli {

struct notes {
  std::string title;  // the name of the film
  std::vector<client::talk_message> messages;
  std::optional<frame_rate> rate{};  // none where nothing asks for it: see needs_rate
  std::uint64_t start_frame = 0;     // of the film, in the timecode
};

// Only what has a time is in the formats of programs that cut; csv and json have all.
[[nodiscard]] std::vector<client::talk_message> timed(const std::vector<client::talk_message>& all);

// RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe before it.
[[nodiscard]] std::string to_csv(const notes& of);
[[nodiscard]] std::string to_json_text(const notes& of);
// CMX 3600 with an event for each note, and behind it the marker as DaVinci Resolve writes and
// reads it: " |C:ResolveColorBlue |M:anna: text |D:1".
[[nodiscard]] std::string to_edl(const notes& of);
// FCPXML 1.9: a gap as long as the notes need, with a marker for each; resolved ones are completed.
[[nodiscard]] std::string to_fcpxml(const notes& of);
// SubRip: each note for its range, or for three seconds.
[[nodiscard]] std::string to_srt(const notes& of);

}  // namespace sluice::cli
