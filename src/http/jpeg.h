// Whether bytes are a JPEG picture, and how large. A pure function, for bytes of anybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::http {

struct picture_size {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  friend bool operator==(const picture_size&, const picture_size&) = default;
};

// What a decoder would make of it by its frame header (ITU-T T.81, annex B), and it has an end;
// what is between is not looked at. nullopt: no JPEG. So browsers are asked to decode nothing that
// is small as a file and huge as a picture.
[[nodiscard]] std::optional<picture_size> size_of_jpeg(std::span<const std::byte> bytes) noexcept;

}  // namespace sluice::http
