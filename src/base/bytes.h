// Bytes as text: sizes for people, hexadecimal for identifiers and digests. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::base {

// "0 B", "999 B", "1.0 KiB", "12.3 GiB": powers of 1024, one digit after the point, rounded down so
// that a size is never told as larger than it is.
[[nodiscard]] std::string format_size(std::uint64_t size_bytes);

// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
void append_hex(std::string& out, std::span<const std::byte> bytes);

// Reads exactly `out.size()` bytes from twice as many digits, of either case. False, with `out`
// unspecified, for any other length or character.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::byte> out) noexcept;

}  // namespace sluice::base
