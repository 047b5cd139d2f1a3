#include "http/response.h"

#include <algorithm>
#include <ostream>  // Boost's string_view, as Beast has it, does without and needs it

namespace sluice::http {

namespace {

constexpr std::size_t usual_lines_bytes = 512;

}  // namespace

response::response(const problem& why) : code_(why.code) {
  with(why.json(), "application/problem+json");
}

response& response::add(std::string_view name, std::string_view value) {
  if (name == "Content-Security-Policy") has_policy_ = true;
  if (lines_.empty()) lines_.reserve(usual_lines_bytes);
  lines_ += name;
  lines_ += ": ";
  const std::size_t begin = lines_.size();
  lines_ += value;
  std::replace_if(
      lines_.begin() + static_cast<std::ptrdiff_t>(begin), lines_.end(),
      [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  lines_ += "\r\n";
  return *this;
}

response& response::with(std::string body, std::string_view type) {
  body_ = std::move(body);
  return add("Content-Type", type);
}

}  // namespace sluice::http
