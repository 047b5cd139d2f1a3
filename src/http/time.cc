#include "http/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "http/syntax.h"

namespace sluice::http {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names{
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names,
                                 std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

std::optional<int> number(std::string_view digits) {
  const auto value = parse_number(digits);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<std::int64_t> make_time(std::optional<int> year, std::optional<unsigned> month,
                                      std::optional<int> day, std::string_view clock) {
  if (!year || !month || !day || clock.size() != 8 || clock[2] != ':' || clock[5] != ':') {
    return std::nullopt;
  }
  const auto hours = number(clock.substr(0, 2));
  const auto minutes = number(clock.substr(3, 2));
  const auto secs = number(clock.substr(6, 2));
  if (!hours || !minutes || !secs || *hours > 23 || *minutes > 59 || *secs > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const sys_seconds time =
      sys_days(date) + std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + seconds(*secs);
  return time.time_since_epoch().count();
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_fixed(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || !text.ends_with(" GMT") || !index_of(day_names, text.substr(0, 3))) {
    return std::nullopt;
  }
  return make_time(number(text.substr(12, 4)), index_of(month_names, text.substr(8, 3)),
                   number(text.substr(5, 2)), text.substr(17, 8));
}

// "Sunday, 06-Nov-94 08:49:37 GMT": a year that looks over 50 years ahead is of the past century.
std::optional<std::int64_t> parse_rfc850(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos || !index_of(long_day_names, text.substr(0, comma))) {
    return std::nullopt;
  }
  text.remove_prefix(comma + 1);
  if (text.size() != 23 || text[0] != ' ' || text[3] != '-' || text[7] != '-' || text[10] != ' ' ||
      !text.ends_with(" GMT")) {
    return std::nullopt;
  }
  auto year = number(text.substr(8, 2));
  if (!year) return std::nullopt;
  const auto today = std::chrono::floor<days>(std::chrono::system_clock::now());
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  *year += this_year / 100 * 100;
  if (*year > this_year + 50) *year -= 100;
  return make_time(year, index_of(month_names, text.substr(4, 3)), number(text.substr(1, 2)),
                   text.substr(11, 8));
}

// "Sun Nov  6 08:49:37 1994"
std::optional<std::int64_t> parse_asctime(std::string_view text) {
  if (text.size() != 24 || text[3] != ' ' || text[7] != ' ' || text[10] != ' ' || text[19] != ' ' ||
      !index_of(day_names, text.substr(0, 3))) {
    return std::nullopt;
  }
  auto day = text.substr(8, 2);
  if (day.starts_with(' ')) day.remove_prefix(1);
  return make_time(number(text.substr(20, 4)), index_of(month_names, text.substr(4, 3)),
                   number(day), text.substr(11, 8));
}

}  // namespace

// By hand: fmt took a twentieth of all that a small file costs in user code.
std::string http_date(std::int64_t seconds_since) {
  const sys_seconds time{seconds(seconds_since)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = "Thu, 01 Jan 1970 00:00:00 GMT";
  const auto put = [&text](std::size_t at, std::string_view name) {
    std::ranges::copy(name, text.begin() + static_cast<std::ptrdiff_t>(at));
  };
  const auto put_number = [&text](std::size_t last, std::int64_t value, int digits) {
    for (; digits > 0; --digits, value /= 10) text[last--] = static_cast<char>('0' + value % 10);
  };
  put(0, day_names.at(std::chrono::weekday(day).c_encoding()));
  put_number(6, static_cast<unsigned>(date.day()), 2);
  put(8, month_names.at(static_cast<unsigned>(date.month()) - 1));
  put_number(15, static_cast<int>(date.year()), 4);
  put_number(18, clock.hours().count(), 2);
  put_number(21, clock.minutes().count(), 2);
  put_number(24, clock.seconds().count(), 2);
  return text;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (auto found = parse_fixed(text)) return found;
  if (auto found = parse_rfc850(text)) return found;
  return parse_asctime(text);
}

std::string iso_time(std::int64_t nanoseconds) {
  const std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds(nanoseconds)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace sluice::http
