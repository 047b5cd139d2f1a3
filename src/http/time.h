// Dates as HTTP writes them (RFC 9110, 5.6.7). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

// "Sun, 06 Nov 1994 08:49:37 GMT". Seconds since 1970-01-01 UTC.
[[nodiscard]] std::string http_date(std::int64_t seconds);

// Of all three forms that a recipient must take; nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

// "1994-11-06T08:49:37.123456789Z" (RFC 3339), as the JSON of the API has it.
[[nodiscard]] std::string iso_time(std::int64_t nanoseconds);

}  // namespace sluice::http
