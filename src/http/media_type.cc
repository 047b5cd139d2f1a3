#include "http/media_type.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

struct row {
  std::string_view extension;
  media_type type;
};

// Sorted. Inline is only what cannot run script: no SVG, no HTML, no PDF.
constexpr std::array table{
    row{"aac", {"audio/aac", true}},
    row{"aif", {"audio/aiff", true}},
    row{"aiff", {"audio/aiff", true}},
    row{"avi", {"video/x-msvideo"}},
    row{"csv", {"text/csv; charset=utf-8"}},
    row{"flac", {"audio/flac", true}},
    row{"gif", {"image/gif"}},
    row{"gz", {"application/gzip"}},
    row{"jpeg", {"image/jpeg", true}},
    row{"jpg", {"image/jpeg", true}},
    row{"json", {"application/json"}},
    row{"m2ts", {"video/mp2t"}},
    row{"m4a", {"audio/mp4", true}},
    row{"m4v", {"video/mp4", true}},
    row{"md", {"text/markdown; charset=utf-8"}},
    row{"mkv", {"video/x-matroska"}},
    row{"mov", {"video/quicktime"}},
    row{"mp3", {"audio/mpeg", true}},
    row{"mp4", {"video/mp4", true}},
    row{"mpg", {"video/mpeg"}},
    row{"mts", {"video/mp2t"}},
    row{"mxf", {"application/mxf"}},
    row{"oga", {"audio/ogg", true}},
    row{"ogg", {"audio/ogg", true}},
    row{"ogv", {"video/ogg"}},
    row{"opus", {"audio/ogg", true}},
    row{"pdf", {"application/pdf"}},
    row{"png", {"image/png", true}},
    row{"srt", {"application/x-subrip"}},
    row{"tar", {"application/x-tar"}},
    row{"tif", {"image/tiff"}},
    row{"tiff", {"image/tiff"}},
    row{"ts", {"video/mp2t"}},
    row{"txt", {"text/plain; charset=utf-8"}},
    row{"vtt", {"text/vtt; charset=utf-8"}},
    row{"wav", {"audio/wav", true}},
    row{"weba", {"audio/webm", true}},
    row{"webm", {"video/webm", true}},
    row{"webp", {"image/webp", true}},
    row{"xml", {"application/xml"}},
    row{"zip", {"application/zip"}},
};
static_assert(std::ranges::is_sorted(table, {}, &row::extension));

// RFC 8187, 3.2.1.
bool is_attribute_character(char c) noexcept {
  return is_token_character(c) && c != '*' && c != '\'' && c != '%';
}

std::string extended_value(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = "UTF-8''";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_attribute_character(c)) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

// That an old client could misread.
bool is_odd(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte > 0x7e || c == '"' || c == '\\' || c == '%';
}

// One "_" for each odd character.
std::string ascii_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_rest_of_one = (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
    if (!is_rest_of_one) out += is_odd(c) ? '_' : c;
  }
  return out;
}

}  // namespace

media_type media_type_of(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  if (dot != std::string_view::npos) {
    const std::string extension = lower_case(file_name.substr(dot + 1));
    const auto found = std::ranges::lower_bound(table, extension, {}, &row::extension);
    if (found != table.end() && found->extension == extension) return found->type;
  }
  return {"application/octet-stream"};
}

std::string disposition(std::string_view file_name, bool is_inline) {
  const std::string_view shown = is_inline ? "inline" : "attachment";
  std::string value;
  if (std::ranges::none_of(file_name, is_odd)) {
    base::append(value, {shown, "; filename=\"", file_name, "\""});
  } else {
    base::append(value, {shown, "; filename=\"", ascii_name(file_name),
                         "\"; filename*=", extended_value(file_name)});
  }
  return value;
}

}  // namespace sluice::http
