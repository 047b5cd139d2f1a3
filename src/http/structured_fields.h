// Structured field values (RFC 9651): the parts that the server's fields need. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::http {

// Integers, booleans, strings, tokens (kept apart by their type) and byte sequences, decoded.
struct sf_token {
  std::string text;
  friend bool operator==(const sf_token&, const sf_token&) = default;
};
struct sf_bytes {
  std::string bytes;
  friend bool operator==(const sf_bytes&, const sf_bytes&) = default;
};
using sf_value = std::variant<bool, std::int64_t, std::string, sf_token, sf_bytes>;

struct sf_member {
  std::string key;
  sf_value value;  // a member without a value is `true`
};
using sf_dictionary = std::vector<sf_member>;

// An item without looking at its parameters, which must be well-formed. nullopt: malformed, or a
// kind that is not read here (decimals, dates, display strings, inner lists).
[[nodiscard]] std::optional<sf_value> parse_sf_item(std::string_view text);

// At most 64 members; of equal keys the last one counts.
[[nodiscard]] std::optional<sf_dictionary> parse_sf_dictionary(std::string_view text);

[[nodiscard]] const sf_value* find_member(const sf_dictionary& all, std::string_view key) noexcept;

// ":aGVsbG8=:".
[[nodiscard]] std::string sf_byte_sequence(std::string_view bytes);

// RFC 4648, 4; strict: canonical padding, no line breaks.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace sluice::http
