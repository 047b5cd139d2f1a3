#include "http/response.h"

#include <ostream>  // Boost's string_view, as Beast has it, does without and needs it

namespace sluice::http {

namespace {

constexpr std::size_t usual_lines_bytes = 512;

// Or the line with it, for those who read strings of C.
bool ends_a_line(char c) noexcept {
  return static_cast<unsigned char>(c) <= '\r' && (c == '\r' || c == '\n' || c == '\0');
}

}  // namespace

response::response(const problem& why) : code_(why.code) {
  with(why.json(), "application/problem+json");
}

response& response::add(fixed_fields some) {
  if (some.has_policy()) has_policy_ = true;
  if (lines_.empty()) lines_.reserve(usual_lines_bytes);
  lines_.append(some.lines());
  return *this;
}

response& response::add(std::string_view name, std::string_view value) {
  if (name == "Content-Security-Policy") has_policy_ = true;
  if (lines_.empty()) lines_.reserve(usual_lines_bytes);
  const std::size_t begin = lines_.size();
  const std::size_t size = begin + name.size() + value.size() + 4;
  lines_.resize_and_overwrite(size, [&](char* lines, std::size_t) {
    char* at = lines + begin;
    at += name.copy(at, name.size());
    *at++ = ':';
    *at++ = ' ';
    for (const char c : value) *at++ = ends_a_line(c) ? ' ' : c;
    *at++ = '\r';
    *at = '\n';
    return size;
  });
  return *this;
}

response& response::with(std::string body, std::string_view type) {
  body_ = std::move(body);
  return add("Content-Type", type);
}

}  // namespace sluice::http
