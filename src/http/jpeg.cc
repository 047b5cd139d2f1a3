#include "http/jpeg.h"

namespace sluice::http {
namespace {

constexpr unsigned start_of_image = 0xD8;
constexpr unsigned end_of_image = 0xD9;
constexpr unsigned start_of_scan = 0xDA;

unsigned number_at(std::span<const std::byte> bytes, std::size_t at) {
  return (std::to_integer<unsigned>(bytes[at]) << 8) | std::to_integer<unsigned>(bytes[at + 1]);
}

bool is_marker(std::span<const std::byte> bytes, std::size_t at, unsigned which) {
  return number_at(bytes, at) == (0xFF00U | which);
}

// SOF0 to SOF15, but for DHT, JPG and DAC, which have numbers among them.
bool is_frame(unsigned marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

}  // namespace

std::optional<picture_size> size_of_jpeg(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < 4 || !is_marker(bytes, 0, start_of_image) ||
      !is_marker(bytes, bytes.size() - 2, end_of_image)) {
    return std::nullopt;
  }
  // Segments: FF, what it is, how long the rest is with these two bytes.
  for (std::size_t at = 2; at + 9 <= bytes.size();) {
    const unsigned marker = number_at(bytes, at);
    if (marker < 0xFF01 || marker == (0xFF00U | start_of_scan)) return std::nullopt;
    if (is_frame(marker & 0xFFU)) {
      return picture_size{static_cast<std::uint16_t>(number_at(bytes, at + 7)),
                          static_cast<std::uint16_t>(number_at(bytes, at + 5))};
    }
    const unsigned length = number_at(bytes, at + 2);
    if (length < 2) return std::nullopt;
    at += 2 + length;
  }
  return std::nullopt;
}

}  // namespace sluice::http
