#include "access/grants.h"

#include <array>
#include <utility>

namespace sluice::access {
namespace {

using base::right;
using base::rights;

constexpr std::array every{right::see,    right::take, right::give,
                           right::change, right::talk, right::admin};

constexpr rights reading{right::see, right::take};
constexpr std::array words{
    std::pair{std::string_view("read"), reading},
    std::pair{std::string_view("write"), reading | rights{right::give, right::change, right::talk}},
    std::pair{std::string_view("drop"), rights{right::give}},
};

std::optional<rights> one_word(std::string_view word) {
  for (const auto& [name, what] : words) {
    if (name == word) return what;
  }
  for (const auto each : every) {
    if (name_of(each) == word) return rights{each};
  }
  return std::nullopt;
}

}  // namespace

std::string_view plain(std::string_view path) noexcept {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool holds(std::string_view folder, std::string_view path) noexcept {
  if (folder.empty() || folder == path) return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

rights rights_at(const std::vector<grant>& all, std::string_view path) noexcept {
  rights sum;
  for (const auto& one : all) {
    if (holds(one.path, path)) sum = sum | one.what;
  }
  return sum;
}

rights rights_below(const std::vector<grant>& all, std::string_view scope,
                    std::string_view path) noexcept {
  rights sum;
  for (const auto& one : all) {
    if (!holds(one.path, scope) && !holds(scope, one.path)) continue;
    const std::string_view narrower = holds(scope, one.path) ? one.path : scope;
    if (holds(narrower, path) || holds(path, narrower)) sum = sum | one.what;
  }
  return sum;
}

std::optional<rights> parse_rights(std::string_view text) {
  rights sum;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto found = one_word(text.substr(0, comma));
    if (!found) return std::nullopt;
    sum = sum | *found;
    if (comma == std::string_view::npos) return sum;
    text.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

std::string to_text(rights some) {
  if (some.has(right::admin)) return "admin";
  std::string text;
  for (const auto each : every) {
    if (!some.has(each)) continue;
    if (!text.empty()) text += ',';
    text += name_of(each);
  }
  return text;
}

}  // namespace sluice::access
