#include "cli/quantity.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>
#include <limits>

namespace sluice::cli {

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  static constexpr std::array units{"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  // 999.95 is where "%.1f" would say 1000.0.
  while (value >= 999.95 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string human_duration(std::chrono::milliseconds span) {
  const auto ms = span.count();
  if (ms < 9950) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto seconds = (ms + 500) / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                        std::chrono::milliseconds most) {
  using namespace std::chrono_literals;
  using unit = std::pair<std::string_view, std::chrono::milliseconds>;
  static constexpr std::array units{unit{"ms", 1ms}, unit{"s", 1s}, unit{"min", 1min},
                                    unit{"h", 1h}, unit{"d", 24h}};
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [known, length] : units) {
    if (problem != std::errc() || name != known || count < 1 || count > most / length) continue;
    return count * length;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  using unit = std::pair<std::string_view, std::uint64_t>;
  static constexpr std::array units{unit{"", 1},
                                    unit{"B", 1},
                                    unit{"kB", 1'000},
                                    unit{"KB", 1'000},
                                    unit{"MB", 1'000'000},
                                    unit{"GB", 1'000'000'000},
                                    unit{"KiB", 1 << 10},
                                    unit{"MiB", 1 << 20},
                                    unit{"GiB", 1 << 30},
                                    unit{"TB", 1'000'000'000'000},
                                    unit{"TiB", std::uint64_t{1} << 40}};
  if (text.ends_with("/s")) text.remove_suffix(2);
  std::uint64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (const auto& [known, bytes] : units) {
    if (problem != std::errc() || name != known || count > most / bytes) continue;
    return count * bytes;
  }
  return std::nullopt;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string human_time(std::int64_t unix_ns) {
  if (unix_ns == 0) return "-";
  const std::time_t seconds = unix_ns / 1'000'000'000 - (unix_ns % 1'000'000'000 < 0 ? 1 : 0);
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return "-";
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local);
  return {text.data(), length};
}

std::string human_date(std::int64_t unix_s) {
  const std::time_t seconds = unix_s;
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return "-";
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d", &utc);
  return {text.data(), length};
}

}  // namespace sluice::cli
