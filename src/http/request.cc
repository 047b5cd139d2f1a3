#include "http/request.h"

#include <algorithm>

namespace sluice::http {

std::string request::field(std::string_view name) const {
  const auto [first, last] = fields.equal_range(name);
  std::string joined;
  for (auto line = first; line != last; ++line) {
    if (line != first) joined += ", ";
    joined += line->value();
  }
  return joined;
}

std::optional<std::string_view> request::parameter(std::string_view name) const {
  const auto found = std::ranges::find(query, name, [](const auto& each) { return each.first; });
  if (found == query.end()) return std::nullopt;
  return found->second;
}

std::string_view request::below(std::string_view prefix) const {
  return std::string_view(path).substr(std::min(prefix.size(), path.size()));
}

}  // namespace sluice::http
