#include "http/response.h"

#include <algorithm>
#include <ostream>  // Boost's string_view, as Beast has it, does without and needs it
#include <span>

namespace sluice::http {

namespace {

constexpr std::size_t usual_lines_bytes = 512;

// Or the line with it, for those who read strings of C.
bool ends_a_line(char c) noexcept { return c == '\r' || c == '\n' || c == '\0'; }

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
  lines_.append(name).append(": ");
  const std::size_t begin = lines_.size();
  lines_.append(value);
  if (value.contains('\r') || value.contains('\n') || value.contains('\0')) {
    std::ranges::replace_if(std::span(lines_).subspan(begin), ends_a_line, ' ');
  }
  lines_.append("\r\n");
  return *this;
}

response& response::with(std::string body, std::string_view type) {
  body_ = std::move(body);
  return add("Content-Type", type);
}

}  // namespace sluice::http
