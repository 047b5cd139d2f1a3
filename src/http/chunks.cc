#include "http/chunks.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

constexpr unsigned digits_max = 16;
constexpr std::size_t extension_bytes_max = 256;
constexpr std::size_t all_extension_bytes_max = 16 * 1024;
constexpr std::size_t trailer_bytes_max = 8 * 1024;
constexpr std::size_t trailer_lines_max = 100;

std::unexpected<problem> refuse(std::string what, status code = status::bad_request) {
  return std::unexpected(problem(code, std::move(what)));
}

constexpr std::array never_in_trailers{field_name::transfer_encoding,
                                       field_name::content_length,
                                       field_name::host,
                                       field_name::trailer,
                                       field_name::te,
                                       field_name::connection,
                                       field_name::authorization,
                                       field_name::content_encoding,
                                       field_name::content_type,
                                       field_name::content_range,
                                       field_name::expect,
                                       field_name::cookie};

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

parsed<std::size_t> chunk_reader::read(std::string_view in) {
  std::size_t taken = 0;
  while (taken < in.size() && data_left_ == 0 && !ended()) {
    if (auto fine = take(in[taken]); !fine) return std::unexpected(fine.error());
    ++taken;
  }
  return taken;
}

chunk_reader::outcome chunk_reader::take(char c) {
  switch (state_) {
    case state::size: return take_size(c);
    case state::extension: return take_extension(c);
    case state::size_lf:
      if (c != '\n') return refuse("a chunk size line that does not end in CRLF");
      return begin_data();
    case state::data_cr:
      if (c != '\r') return refuse("a chunk that is longer than its size");
      state_ = state::data_lf;
      return {};
    case state::data_lf:
      if (c != '\n') return refuse("a chunk that does not end in CRLF");
      state_ = state::size;
      return {};
    case state::trailer: return take_trailer(c);
    case state::end: break;
  }
  return {};
}

chunk_reader::outcome chunk_reader::take_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (blank_) return refuse("a chunk size with a space in it");
    if (++digits_ > digits_max) return refuse("a chunk size of over 16 digits");
    size_ = size_ << 4U | static_cast<std::uint64_t>(digit);
    return {};
  }
  if (digits_ == 0) return refuse("a chunk size that is no hexadecimal number");
  if (c == '\r' && !blank_) {
    state_ = state::size_lf;
  } else if (c == ' ' || c == '\t') {
    blank_ = true;
    return take_extension(c);
  } else if (c == ';') {
    state_ = state::extension;
    return take_extension(c);
  } else {
    return refuse("a chunk size that is no hexadecimal number");
  }
  return {};
}

chunk_reader::outcome chunk_reader::take_extension(char c) {
  if (c == '\r') {
    state_ = state::size_lf;
    return {};
  }
  if (!is_field_value({&c, 1})) return refuse("a chunk extension with a control character");
  if (++extension_bytes_ > extension_bytes_max ||
      ++all_extension_bytes_ > all_extension_bytes_max) {
    return refuse("chunk extensions of over 256 bytes, or 16 KiB in all",
                  status::payload_too_large);
  }
  return {};
}

chunk_reader::outcome chunk_reader::begin_data() {
  if (size_ > base::file_bytes_max) {
    return refuse("a chunk size over 2^63-1", status::payload_too_large);
  }
  data_left_ = size_;
  state_ = size_ == 0 ? state::trailer : state::data_cr;
  size_ = 0;
  digits_ = 0;
  blank_ = false;
  extension_bytes_ = 0;
  return {};
}

chunk_reader::outcome chunk_reader::take_trailer(char c) {
  const bool after_cr = trailer_text_.ends_with('\r');
  if (after_cr != (c == '\n')) return refuse("a trailer line that does not end in CRLF");
  trailer_text_ += c;
  if (trailer_text_.size() > trailer_bytes_max) {
    return refuse("trailers of over 8 KiB", status::request_header_fields_too_large);
  }
  if (trailer_text_ != "\r\n" && !trailer_text_.ends_with("\r\n\r\n")) return {};
  trailer_text_.resize(trailer_text_.size() - 2);
  auto fields = parse_fields(trailer_text_, trailer_lines_max);
  if (!fields) return std::unexpected(fields.error());
  trailers_ = std::move(*fields);
  for (const auto name : never_in_trailers) trailers_.erase(name);
  state_ = state::end;
  return {};
}

}  // namespace sluice::http
