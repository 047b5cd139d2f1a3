#include "client/names.h"

#include <fmt/format.h>
#include <algorithm>
#include <span>

#include "base/digest.h"
#include "base/limits.h"
#include "base/text.h"

namespace sluice::client {

std::string_view fault_of_name(std::string_view name) noexcept {
  if (name.empty()) return "an empty name";
  if (name.front() == '.') return "a name that begins with a dot";
  if (name.size() > base::name_bytes_max) return "a name over 255 bytes";
  while (!name.empty()) {
    const auto point = base::take_code_point(name);
    if (!point) return "a name that is not UTF-8";
    if (*point == U'/' || *point == U'\\') return "a slash in a name";
    if (base::is_unsafe_to_show(*point)) return "a control character in a name";
  }
  return {};
}

result<void> check_path(std::string_view path) {
  std::size_t parts = 0;
  if (path.size() > base::path_bytes_max) {
    return fail(errc::invalid_argument, fmt::format("path of {} bytes", path.size()));
  }
  for (std::string_view rest = path;; ++parts) {
    const auto slash = rest.find('/');
    const auto fault = fault_of_name(rest.substr(0, slash));
    if (!fault.empty() || parts == base::path_parts_max) {
      return fail(errc::invalid_argument, fmt::format("path \"{}\": {}", base::escape_unsafe(path),
                                                      fault.empty() ? "too deep" : fault));
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

std::string join(std::string_view folder, std::string_view name) {
  folder = without_slash(folder);
  if (folder.empty()) return std::string(name);
  if (name.empty()) return std::string(folder);
  return fmt::format("{}/{}", folder, name);
}

std::string_view without_slash(std::string_view path) noexcept {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string_view name_of(std::string_view path) noexcept {
  path = without_slash(path);
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view folder_of(std::string_view path) noexcept {
  path = without_slash(path);
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string numbered_name(std::string_view path, unsigned number) {
  const auto name = name_of(path);
  const auto dot = name.rfind('.');
  const auto ending = dot == std::string_view::npos ? std::string_view{} : name.substr(dot);
  auto stem = name.substr(0, name.size() - ending.size());
  const auto middle = fmt::format(" ({})", number);
  const auto is_inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(stem[at]) & 0xC0U) == 0x80U;
  };
  if (stem.size() + middle.size() + ending.size() > base::name_bytes_max &&
      middle.size() + ending.size() < base::name_bytes_max) {
    auto most = base::name_bytes_max - middle.size() - ending.size();
    while (most > 0 && is_inside(most)) --most;
    stem = stem.substr(0, most);
  }
  return join(folder_of(path), fmt::format("{}{}{}", stem, middle, ending));
}

bool path_less(std::string_view left, std::string_view right) noexcept {
  const auto weight = [](char c) {
    return c == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(c));
  };
  return std::ranges::lexicographical_compare(left, right, {}, weight, weight);
}

std::string partial_name(std::string_view name) {
  auto partial = fmt::format(".{}.sluice-part", name);
  if (partial.size() <= base::name_bytes_max) return partial;
  return fmt::format(".{}.sluice-part", to_hex(base::digest_of(std::as_bytes(std::span(name)))));
}

}  // namespace sluice::client
