// Text that came from elsewhere: UTF-8 read strictly, and made safe to show on a terminal or in a
// log; and text put together. Pure functions, any thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::base {

// Takes the first code point off `text` (RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF). nullopt, with `text` unchanged, when it does not begin with one.
[[nodiscard]] std::optional<char32_t> take_code_point(std::string_view& text) noexcept;

[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

// Characters that act on what shows them instead of being shown: C0 and C1 controls, DEL, line and
// paragraph separators, and the bidirectional embeddings, overrides and isolates, which make a name
// read as another one.
[[nodiscard]] bool is_unsafe_to_show(char32_t code_point) noexcept;

// The text with every unsafe character and every byte that is not UTF-8 written as \xNN, a byte
// each.
[[nodiscard]] std::string escape_unsafe(std::string_view text);

// Appends all of them, which do not lie in `out`: room is made once, where `+=` looks for it with
// each.
void append(std::string& out, std::initializer_list<std::string_view> pieces);

}  // namespace sluice::base
