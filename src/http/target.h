// What a request line asks for: decoded once, split, and checked (RFC 9112, 3.2; RFC 3986).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/problem.h"

namespace sluice::http {

struct target {
  std::string path;  // decoded; begins with "/", or is "*"
  std::vector<std::pair<std::string, std::string>> query;
  std::string authority;  // of the absolute form, else ""
};

// Origin form, absolute form with http, and "*". All else is a 400: authority form, other schemes,
// a fragment, characters that a target cannot have, escapes that are none, that are "/", "\" or
// control characters, or that make no UTF-8; parts that are "." or ".." or empty.
// Bytes above ASCII are taken as they are where they are UTF-8: curl sends them.
[[nodiscard]] parsed<target> parse_target(std::string_view text);

// "%41" -> "A" and, with `plus_is_space`, "+" -> " "; nullopt for an escape that is none.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

// All but unreserved characters and "/" escaped: for Location.
[[nodiscard]] std::string percent_encode_path(std::string_view path);

// The host of "host", "host:80", "[::1]:80", in lower case and without brackets; nullopt where it
// is none (RFC 9110, 7.2).
[[nodiscard]] std::optional<std::string> host_of(std::string_view authority);

}  // namespace sluice::http
