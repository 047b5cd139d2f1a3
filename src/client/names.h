// Names of files: which of them may travel, and paths made of them. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.h"

namespace sluice::client {

// What is wrong with one part of a path, by the rules of docs/wire.md, section 4; empty: nothing. A
// name that a server sends is refused by them before it is used for anything.
[[nodiscard]] std::string_view fault_of_name(std::string_view name) noexcept;

// The same for a whole path with '/' between its parts. invalid_argument; the path is not empty.
[[nodiscard]] result<void> check_path(std::string_view path);

// "a" and "b" -> "a/b"; an empty side is left out.
[[nodiscard]] std::string join(std::string_view folder, std::string_view name);
// The last part: "a/b" -> "b", "a/b/" -> "b".
[[nodiscard]] std::string_view name_of(std::string_view path) noexcept;
// All before the last part: "a/b" -> "a", "b" -> "".
[[nodiscard]] std::string_view folder_of(std::string_view path) noexcept;
// Without the '/' at the end.
[[nodiscard]] std::string_view without_slash(std::string_view path) noexcept;

// How many are tried before one gives up.
inline constexpr unsigned names_max = 1'000;

// "a/film (2).mov" for "a/film.mov" and 2: another name for what lost its own. The stem is cut
// where the whole would be over 255 bytes.
[[nodiscard]] std::string numbered_name(std::string_view path, unsigned number);

// The order of listings: by the bytes of the names, part by part, a folder before its content. So
// '/' sorts before every other byte.
[[nodiscard]] bool path_less(std::string_view left, std::string_view right) noexcept;

// The hidden name beside the target under which content gathers: ".NAME.sluice-part", or one made
// of the name's digest where that would be too long.
[[nodiscard]] std::string partial_name(std::string_view name);

}  // namespace sluice::client
