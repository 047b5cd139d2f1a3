// Range requests (RFC 9110, 14). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::http {

struct byte_range {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;  // at least 1
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

struct range_answer {
  enum class kind : std::uint8_t {
    whole,          // 200: no range, another unit, or not well-formed
    parts,          // 206
    unsatisfiable,  // 416: behind the end, over 8 ranges, or ranges that overlap
  };
  kind what = kind::whole;
  std::vector<byte_range> parts;  // in the order of the request
};

inline constexpr std::size_t ranges_max = 8;

// `field` is the value of Range.
[[nodiscard]] range_answer parse_range(std::string_view field, std::uint64_t size_bytes);

}  // namespace sluice::http
