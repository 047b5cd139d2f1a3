// Unsigned integers in network byte order, for the fixed layouts of this room.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

namespace sluice::wire {

// Writes all bytes of `value` to the front of `out`, which must hold them, and steps over them.
template <std::unsigned_integral T>
constexpr void put_big_endian(std::span<std::byte>& out, T value) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  out = out.subspan(sizeof(T));
}

// Reads a T from the front of `in`, which must hold it, and steps over it.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T take_big_endian(std::span<const std::byte>& in) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8 | std::to_integer<T>(in[i]));
  }
  in = in.subspan(sizeof(T));
  return value;
}

}  // namespace sluice::wire
