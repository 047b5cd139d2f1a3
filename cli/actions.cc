#include "cli/actions.h"

#include <fmt/ranges.h>

namespace sluice::cli {

std::string in_words(const std::vector<std::string>& names) {
  const auto but_last = std::span(names).first(names.size() - 1);
  return fmt::format("{} or {}", fmt::join(but_last, ", "), names.back());
}

}  // namespace sluice::cli
