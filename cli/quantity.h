// Numbers for people. Pure functions, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

// "999 B", "1.0 kB", "4.2 GB": decimal units, as on disks. Rounded to nearest, never "1000 kB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

// "12 s", "3:05", "1:02:03"; below ten seconds with a tenth: "0.4 s".
[[nodiscard]] std::string human_duration(std::chrono::milliseconds span);

// "500ms", "10s", "5min", "2h", "7d": a whole number and its unit; nullopt for anything else, and
// for what is not within 1 ms and `most`.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(
    std::string_view text, std::chrono::milliseconds most = std::chrono::hours(24));

// "4096", "500MB", "10GiB": a whole number and its unit, with or without the final "/s" of a rate;
// nullopt for anything else, and for what does not fit 63 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

// "1 file", "2 files".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

// "2026-11-23 08:48" in local time; "-" for 0.
[[nodiscard]] std::string human_time(std::int64_t unix_ns);

// "2026-11-23", in UTC.
[[nodiscard]] std::string human_date(std::int64_t unix_s);

}  // namespace sluice::cli
