#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace sluice::base {

namespace {

// By the first byte: how many bytes follow, and the least code point that needs that many.
struct utf8_form {
  unsigned char mask;
  unsigned char lead;
  unsigned following;
  char32_t least;
};
constexpr std::array forms{utf8_form{0xE0, 0xC0, 1, 0x80}, utf8_form{0xF0, 0xE0, 2, 0x800},
                           utf8_form{0xF8, 0xF0, 3, 0x10000}};

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& text) noexcept {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  for (const utf8_form& form : forms) {
    if ((first & form.mask) != form.lead) continue;
    if (text.size() <= form.following) return std::nullopt;
    char32_t point = first & static_cast<unsigned char>(~form.mask);
    for (unsigned i = 1; i <= form.following; ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if ((next & 0xC0) != 0x80) return std::nullopt;
      point = (point << 6) | (next & 0x3F);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < form.least || point > 0x10FFFF || surrogate) return std::nullopt;
    text.remove_prefix(form.following + 1);
    return point;
  }
  return std::nullopt;
}

bool is_valid_utf8(std::string_view text) noexcept {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::all_of(text, is_ascii)) return true;
  while (!text.empty()) {
    if (!take_code_point(text)) return false;
  }
  return true;
}

bool is_unsafe_to_show(char32_t c) noexcept {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return in(0x00, 0x1F) || in(0x7F, 0x9F) || in(0x2028, 0x202E) || in(0x2066, 0x2069);
}

std::string escape_unsafe(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const auto point = take_code_point(text);
    if (!point) text.remove_prefix(1);
    const std::string_view taken = before.substr(0, before.size() - text.size());
    if (point && !is_unsafe_to_show(*point)) {
      shown += taken;
      continue;
    }
    for (const char byte : taken) {
      fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return shown;
}

void append(std::string& out, std::initializer_list<std::string_view> pieces) {
  std::size_t size = out.size();
  for (const auto piece : pieces) size += piece.size();
  if (size > out.capacity()) out.reserve(std::max(size, 2 * out.capacity()));
  out.resize_and_overwrite(size, [at = out.size(), pieces, size](char* text, std::size_t) mutable {
    for (const auto piece : pieces) at += piece.copy(text + at, piece.size());
    return size;
  });
}

}  // namespace sluice::base
