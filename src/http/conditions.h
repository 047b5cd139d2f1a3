// Conditional requests (RFC 9110, 13). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/request.h"
#include "transfer/tree.h"

namespace sluice::http {

// What identifies the content of a file. The tag is strong: it is made of the identity that the
// store gives a file, its size and its time to the nanosecond.
struct validators {
  std::string etag;                // with its quotes
  std::int64_t last_modified = 0;  // seconds since 1970-01-01 UTC, never in the future
};
[[nodiscard]] validators validators_of(const store::entry& file, std::int64_t now_s);

enum class verdict : std::uint8_t {
  go_on,
  not_modified,  // 304
  failed,        // 412
};

// In the precedence of 13.2.2, without If-Range. `current` is nullopt where nothing is there.
[[nodiscard]] verdict judge(const request& asked, const std::optional<validators>& current);

// Whether Range counts: If-Range is absent, or names just this content (13.1.5).
[[nodiscard]] bool range_counts(const request& asked, const validators& current,
                                std::int64_t now_s);

// Whether a list of entity tags, or "*", has one that is the same: strong comparison, or weak.
[[nodiscard]] bool matches(std::string_view list, std::string_view etag, bool weakly);

}  // namespace sluice::http
