// The frame rate of a film, as its container tells it: MP4 and MOV (ISO/IEC 14496-12), Matroska and
// WebM (RFC 9559). Pure functions, any thread.
//
// The bytes are a stranger's. Nothing is decoded and nothing is kept: numbers of at most eight
// bytes are read inside of what is around them, so many at the most, in so many blocks at the most.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "cli/timecode.h"
#include "client/known_content.h"

namespace sluice::cli {

inline constexpr std::size_t film_blocks_max = 4;         // of the file, to look at
inline constexpr std::size_t film_numbers_max = 500'000;  // to read

// What is in the way: a block that is not known yet, or why it will not be found.
struct rate_obstacle {
  std::optional<std::uint64_t> block{};
  std::string why{};
};

// Of the first video track. Frames that last a tick or a millisecond more than others come from
// rounding: their mean counts. Drop-frame where the rate has it.
[[nodiscard]] std::expected<frame_rate, rate_obstacle> rate_of_film(
    const client::known_content& film);

}  // namespace sluice::cli
