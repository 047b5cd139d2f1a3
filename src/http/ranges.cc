#include "http/ranges.h"

#include <algorithm>

#include "base/limits.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A number too large for any file is the largest.
std::uint64_t position(std::string_view digits) noexcept {
  return parse_number(digits).value_or(base::file_bytes_max);
}

enum class spec : std::uint8_t { malformed, unsatisfiable, fine };

spec parse_spec(std::string_view text, std::uint64_t size_bytes, byte_range& out) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return spec::malformed;
  const auto first = text.substr(0, dash);
  const auto last = text.substr(dash + 1);
  if (first.empty()) {
    if (!is_digits(last)) return spec::malformed;
    const std::uint64_t count = std::min(position(last), size_bytes);
    if (count == 0) return spec::unsatisfiable;
    out = {size_bytes - count, count};
    return spec::fine;
  }
  if (!is_digits(first) || (!last.empty() && !is_digits(last))) return spec::malformed;
  const std::uint64_t begin = position(first);
  const std::uint64_t end = last.empty() ? base::file_bytes_max : position(last);
  if (end < begin) return spec::malformed;
  if (begin >= size_bytes) return spec::unsatisfiable;
  out = {begin, std::min(end, size_bytes - 1) - begin + 1};
  return spec::fine;
}

bool overlap(std::vector<byte_range> parts) {
  std::ranges::sort(parts, {}, &byte_range::offset);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i - 1].offset + parts[i - 1].size_bytes > parts[i].offset) return true;
  }
  return false;
}

}  // namespace

range_answer parse_range(std::string_view field, std::uint64_t size_bytes) {
  using kind = range_answer::kind;
  const auto equals = field.find('=');
  if (equals == std::string_view::npos) return {};
  if (!equals_ignoring_case(trim(field.substr(0, equals)), "bytes")) return {};
  // Nothing of an empty file can be told as a part of it.
  if (size_bytes == 0) return {};
  field.remove_prefix(equals + 1);
  range_answer answer{kind::parts, {}};
  std::size_t count = 0;
  while (const auto element = take_element(field)) {
    byte_range part;
    const spec found = parse_spec(*element, size_bytes, part);
    if (found == spec::malformed) return {};
    if (found == spec::fine && answer.parts.size() <= ranges_max) answer.parts.push_back(part);
    ++count;
  }
  if (count == 0) return {};
  if (count > ranges_max || answer.parts.empty() || overlap(answer.parts)) {
    return {kind::unsatisfiable, {}};
  }
  return answer;
}

}  // namespace sluice::http
