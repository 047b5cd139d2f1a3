#include "base/bytes.h"

#include <fmt/format.h>

#include <array>

namespace sluice::base {

std::string format_size(std::uint64_t size_bytes) {
  static constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (size_bytes < 1024) return fmt::format("{} B", size_bytes);
  std::size_t unit = 0;
  int shift = 10;
  while (unit + 1 < units.size() && (size_bytes >> shift) >= 1024) {
    ++unit;
    shift += 10;
  }
  const std::uint64_t whole = size_bytes >> shift;
  const std::uint64_t rest = size_bytes & ((std::uint64_t{1} << shift) - 1);
  // Dividing first keeps the product in 64 bits; 10 bits of fraction are enough for one digit.
  const std::uint64_t tenth = ((rest >> (shift - 10)) * 10) >> 10;
  return fmt::format("{}.{} {}", whole, tenth, units[unit]);
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  append_hex(text, bytes);
  return text;
}

void append_hex(std::string& out, std::span<const std::byte> bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::size_t at = out.size();
  out.resize(at + bytes.size() * 2);
  for (const auto byte : bytes) {
    out[at++] = digits[std::to_integer<unsigned>(byte) >> 4];
    out[at++] = digits[std::to_integer<unsigned>(byte) & 15];
  }
}

namespace {

int value_of(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

bool from_hex(std::string_view text, std::span<std::byte> out) noexcept {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = value_of(text[2 * i]);
    const int low = value_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

}  // namespace sluice::base
