// The small pieces of HTTP's grammar (RFC 9110, 5.6; RFC 9112, 2). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

[[nodiscard]] bool is_token_character(char c) noexcept;
[[nodiscard]] bool is_token(std::string_view text) noexcept;  // at least one character

// Bytes that a field's value may have: visible characters, space, tab, and those above ASCII.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string lower_case(std::string_view text);

// Takes the next element off a comma-separated list, trimmed; empty elements are skipped (5.6.1).
// Commas inside quoted strings do not separate. nullopt at the end.
[[nodiscard]] std::optional<std::string_view> take_element(std::string_view& list) noexcept;

// Digits only, no sign, no space, at most 2^63-1.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view digits) noexcept;

}  // namespace sluice::http
