// What is granted on a path counts for all below it. Pure functions on text that is a path without
// '/' before or behind; "" is the served folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/permission.h"

namespace sluice::access {

struct grant {
  std::string path;
  base::rights what;
  friend bool operator==(const grant&, const grant&) = default;
};

// Without one '/' before it and one behind it: as store::rel_path reads it.
[[nodiscard]] std::string_view plain(std::string_view path) noexcept;

// Whether `path` is `folder` or lies below it, by whole parts.
[[nodiscard]] bool holds(std::string_view folder, std::string_view path) noexcept;

// What all of them say together about the path; grants only add.
[[nodiscard]] base::rights rights_at(const std::vector<grant>& all, std::string_view path) noexcept;
// The same, and what any of them says about something below it. Of each grant only counts what lies
// below `scope` too.
[[nodiscard]] base::rights rights_below(const std::vector<grant>& all, std::string_view scope,
                                        std::string_view path) noexcept;

// "see,take" or a word for several: "read" (see, take), "write" (read, give, change, talk), "drop"
// (give), "admin". nullopt: another word.
[[nodiscard]] std::optional<base::rights> parse_rights(std::string_view text);
[[nodiscard]] std::string to_text(base::rights some);

}  // namespace sluice::access
