#include "cli/progress_line.h"

#include <fmt/format.h>
#include <wchar.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/quantity.h"

namespace sluice::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto window = 5s;
constexpr auto sample_distance = 100ms;
constexpr std::size_t shortest_path = 8;

std::size_t cells(char32_t point) {
  const int width = ::wcwidth(static_cast<wchar_t>(point));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

// Code points of `text`, each as its bytes.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const std::string_view before = text;
    if (!base::take_code_point(text)) text.remove_prefix(1);
    all.push_back(before.substr(0, before.size() - text.size()));
  }
  return all;
}

std::string percentage(const client::progress& snapshot) {
  const auto total = snapshot.bytes_total.value_or(0);
  if (total == 0) return "";
  // Rounded down: 100% is said when all is done, and not before.
  const auto done = static_cast<unsigned>(
      static_cast<double>(std::min(snapshot.bytes_done, total)) / static_cast<double>(total) * 100);
  return fmt::format(" {}%", snapshot.bytes_done < total ? std::min(done, 99U) : 100U);
}

std::string amount(const client::progress& snapshot) {
  if (!snapshot.bytes_total) return human_bytes(snapshot.bytes_done);
  return human_bytes(snapshot.bytes_done) + " of " + human_bytes(*snapshot.bytes_total);
}

std::string time_left(const client::progress& snapshot, double speed) {
  const auto total = snapshot.bytes_total.value_or(0);
  if (total <= snapshot.bytes_done || speed < 1) return "";
  const double seconds = static_cast<double>(total - snapshot.bytes_done) / speed;
  if (seconds > 100 * 86400) return "";
  const auto whole = std::chrono::seconds(static_cast<std::int64_t>(seconds) + 1);
  return (whole < 10s ? fmt::format("{} s", whole.count()) : human_duration(whole)) + " left";
}

std::vector<std::string> parts_of(const client::progress& snapshot, std::optional<double> speed,
                                  std::chrono::milliseconds in_phase) {
  std::vector<std::string> parts{std::string(client::to_string(snapshot.now)) +
                                 percentage(snapshot)};
  const bool has_bytes = snapshot.bytes_done > 0 || snapshot.bytes_total;
  if (has_bytes) parts.push_back(amount(snapshot));
  if (speed) parts.push_back(human_bytes(static_cast<std::uint64_t>(*speed)) + "/s");
  if (speed) parts.push_back(time_left(snapshot, *speed));
  if (!speed || *speed < 1) parts.push_back(human_duration(in_phase));
  if (snapshot.files_total.value_or(0) > 1) {
    parts.push_back(fmt::format("file {} of {}",
                                std::min(snapshot.files_done + 1, *snapshot.files_total),
                                *snapshot.files_total));
  }
  std::erase(parts, "");
  return parts;
}

}  // namespace

void speed_meter::add(client::phase now, std::uint64_t bytes_done, time_point when) {
  const bool anew = now != phase_ || (!samples_.empty() && bytes_done < samples_.back().bytes);
  if (anew) samples_.clear();
  phase_ = now;
  if (samples_.size() > 1 && when - samples_[samples_.size() - 2].when < sample_distance) {
    samples_.back() = {when, bytes_done};
  } else {
    samples_.push_back({when, bytes_done});
  }
  while (samples_.size() > 2 && when - samples_[1].when > window) samples_.pop_front();
}

std::optional<double> speed_meter::bytes_per_second(time_point when) const {
  if (samples_.size() < 2) return std::nullopt;
  const auto span = std::chrono::duration<double>(when - samples_.front().when).count();
  if (span <= 0.05 || samples_.back().bytes == 0) return std::nullopt;
  return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / span;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto point = base::take_code_point(text);
    if (!point) text.remove_prefix(1);
    width += point ? cells(*point) : 1;
  }
  return width;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns <= 3) return std::string(columns, '.');
  const std::size_t room = columns - 3;
  const auto all = characters(text);
  std::string front, back;
  std::size_t used = 0;
  std::size_t first = 0, last = all.size();
  // The end of a name says more than its front: the larger half is for the end.
  for (; last > first; --last) {
    const std::size_t width = display_width(all[last - 1]);
    if (used + width > room - room / 2) break;
    used += width;
    back.insert(0, all[last - 1]);
  }
  for (; first < last; ++first) {
    const std::size_t width = display_width(all[first]);
    if (used + width > room) break;
    used += width;
    front += all[first];
  }
  return front + "..." + back;
}

std::string progress_line(const client::progress& snapshot, std::optional<double> bytes_per_second,
                          std::chrono::milliseconds in_phase, std::size_t columns) {
  std::string line;
  for (const std::string& part : parts_of(snapshot, bytes_per_second, in_phase)) {
    std::string with = line;
    if (!with.empty()) with += "  ";
    with += part;
    if (display_width(with) > columns) break;
    line = std::move(with);
  }
  const std::size_t used = display_width(line) + 2;
  if (!snapshot.path.empty() && used + shortest_path <= columns) {
    line += "  " + shortened(base::escape_unsafe(snapshot.path), columns - used);
  }
  return line.empty() ? shortened(client::to_string(snapshot.now), columns) : line;
}

}  // namespace sluice::cli
