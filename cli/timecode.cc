#include "cli/timecode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace sluice::cli {
namespace {

constexpr std::uint64_t minutes_of_a_day = std::uint64_t{24} * 60;

constexpr std::array rates{
    std::pair{"23.976", frame_rate{24'000, 1'001, 24, false}},
    std::pair{"24", frame_rate{24, 1, 24, false}},
    std::pair{"25", frame_rate{25, 1, 25, false}},
    std::pair{"29.97", frame_rate{30'000, 1'001, 30, true}},
    std::pair{"29.97ndf", frame_rate{30'000, 1'001, 30, false}},
    std::pair{"30", frame_rate{30, 1, 30, false}},
    std::pair{"50", frame_rate{50, 1, 50, false}},
    std::pair{"59.94", frame_rate{60'000, 1'001, 60, true}},
    std::pair{"59.94ndf", frame_rate{60'000, 1'001, 60, false}},
    std::pair{"60", frame_rate{60, 1, 60, false}},
};

// Left away at the beginning of a minute.
std::uint64_t dropped(const frame_rate& rate) { return rate.drops ? rate.counted / 15 : 0; }

std::uint64_t frames_of_minute(const frame_rate& rate) { return rate.counted * 60 - dropped(rate); }

std::uint64_t frames_of_ten_minutes(const frame_rate& rate) {
  return rate.counted * 600 - 9 * dropped(rate);
}

// The number that the timecode shows for a frame: with those that are left away.
std::uint64_t number_of(std::uint64_t frame, const frame_rate& rate) {
  const auto tens = frame / frames_of_ten_minutes(rate);
  const auto rest = frame % frames_of_ten_minutes(rate);
  const auto drop = dropped(rate);
  if (rest < rate.counted * 60) return frame + 9 * drop * tens;  // the minute that leaves none away
  const auto minutes = 1 + (rest - rate.counted * 60) / frames_of_minute(rate);
  return frame + 9 * drop * tens + drop * minutes;
}

std::optional<std::uint64_t> two_digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 2 || read.ec != std::errc() || read.ptr != text.data() + 2)
    return std::nullopt;
  return value;
}

}  // namespace

std::optional<frame_rate> parse_frame_rate(std::string_view text) {
  const auto found = std::ranges::find(rates, text, [](const auto& one) { return one.first; });
  if (found == rates.end()) return std::nullopt;
  return found->second;
}

std::string_view name_of(const frame_rate& rate) {
  const auto* found = std::ranges::find(rates, rate, [](const auto& one) { return one.second; });
  return found == rates.end() ? std::string_view("unnamed") : found->first;
}

const std::vector<std::string>& frame_rate_names() {
  static const auto names = [] {
    std::vector<std::string> made;
    made.reserve(rates.size());
    for (const auto& each : rates) made.emplace_back(each.first);
    return made;
  }();
  return names;
}

std::optional<frame_rate> frame_rate_near(double frames_a_second) {
  constexpr double tolerance = 0.0004;
  for (const auto& [name, rate] : rates) {
    const double exact = static_cast<double>(rate.frames) / static_cast<double>(rate.seconds);
    if (std::abs(frames_a_second - exact) <= exact * tolerance) return rate;
  }
  return std::nullopt;
}

std::uint64_t frame_at(std::uint64_t time_ms, const frame_rate& rate) {
  return (time_ms + 1) * rate.frames / (rate.seconds * 1000);
}

std::string timecode(std::uint64_t frame, const frame_rate& rate) {
  const auto day = frames_of_ten_minutes(rate) * (minutes_of_a_day / 10);
  const auto number = number_of(frame % day, rate);
  const auto seconds = number / rate.counted;
  return fmt::format("{:02}:{:02}:{:02}{}{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     rate.drops ? ';' : ':', number % rate.counted);
}

std::optional<std::uint64_t> parse_timecode(std::string_view text, const frame_rate& rate) {
  const bool is_formed = text.size() == 11 && text[2] == ':' && text[5] == ':' &&
                         (text[8] == ':' || (rate.drops && text[8] == ';'));
  if (!is_formed) return std::nullopt;
  const auto hours = two_digits(text.substr(0, 2));
  const auto minutes = two_digits(text.substr(3, 2));
  const auto seconds = two_digits(text.substr(6, 2));
  const auto frames = two_digits(text.substr(9, 2));
  if (!hours || !minutes || !seconds || !frames) return std::nullopt;
  if (*hours > 23 || *minutes > 59 || *seconds > 59 || *frames >= rate.counted) return std::nullopt;
  const bool is_left_away = *minutes % 10 != 0 && *seconds == 0 && *frames < dropped(rate);
  if (is_left_away) return std::nullopt;
  const auto all_minutes = *hours * 60 + *minutes;
  return (all_minutes * 60 + *seconds) * rate.counted + *frames -
         dropped(rate) * (all_minutes - all_minutes / 10);
}

}  // namespace sluice::cli
