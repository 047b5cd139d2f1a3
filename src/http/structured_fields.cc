#include "http/structured_fields.h"

#include <algorithm>
#include <array>

#include "http/syntax.h"

namespace sluice::http {
namespace {

constexpr std::size_t members_max = 64;
constexpr std::size_t integer_digits_max = 15;
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) noexcept { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

// Reads off the front of a text; every `take_*` leaves it behind what it took.
class reader {
 public:
  explicit reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  bool skip(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_spaces() noexcept {
    while (skip(' ')) {
    }
  }
  void skip_blanks() noexcept {
    while (skip(' ') || skip('\t')) {
    }
  }

  std::optional<std::string> take_key() {
    if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return std::nullopt;
    return std::string(take_while([](char c) {
      return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
    }));
  }

  std::optional<sf_value> take_bare_item() {
    if (rest_.empty()) return std::nullopt;
    const char c = rest_.front();
    if (c == '-' || is_digit(c)) return take_integer();
    if (c == '"') return take_string();
    if (c == ':') return take_bytes();
    if (c == '?') return take_boolean();
    if (is_alpha(c) || c == '*') return take_token();
    return std::nullopt;
  }

  // Well-formed, and forgotten.
  bool skip_parameters() {
    while (skip(';')) {
      skip_spaces();
      if (!take_key()) return false;
      if (skip('=') && !take_bare_item()) return false;
    }
    return true;
  }

 private:
  template <class Wanted>
  std::string_view take_while(Wanted wanted) {
    const auto end = std::ranges::find_if_not(rest_, wanted);
    const auto taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<sf_value> take_integer() {
    const bool negative = skip('-');
    const auto digits = take_while(is_digit);
    if (digits.empty() || digits.size() > integer_digits_max) return std::nullopt;
    if (!rest_.empty() && rest_.front() == '.') return std::nullopt;
    const auto value = static_cast<std::int64_t>(parse_number(digits).value_or(0));
    return sf_value(negative ? -value : value);
  }

  std::optional<sf_value> take_string() {
    (void)skip('"');
    std::string text;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return sf_value(std::move(text));
      if (c == '\\') {
        if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\\')) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      if (c < 0x20 || c > 0x7e) return std::nullopt;
      text += c;
    }
    return std::nullopt;
  }

  std::optional<sf_value> take_bytes() {
    (void)skip(':');
    const auto end = rest_.find(':');
    if (end == std::string_view::npos) return std::nullopt;
    auto bytes = base64_decode(rest_.substr(0, end));
    if (!bytes) return std::nullopt;
    rest_.remove_prefix(end + 1);
    return sf_value(sf_bytes{std::move(*bytes)});
  }

  std::optional<sf_value> take_boolean() {
    (void)skip('?');
    if (skip('1')) return sf_value(true);
    if (skip('0')) return sf_value(false);
    return std::nullopt;
  }

  std::optional<sf_value> take_token() {
    return sf_value(sf_token{std::string(
        take_while([](char c) { return is_token_character(c) || c == ':' || c == '/'; }))});
  }

  std::string_view rest_;
};

bool take_member(reader& in, sf_dictionary& all) {
  auto key = in.take_key();
  if (!key) return false;
  sf_value value = true;
  if (in.skip('=')) {
    auto given = in.take_bare_item();
    if (!given) return false;
    value = std::move(*given);
  }
  if (!in.skip_parameters()) return false;
  std::erase_if(all, [&](const sf_member& each) { return each.key == *key; });
  all.push_back({std::move(*key), std::move(value)});
  return all.size() <= members_max;
}

}  // namespace

std::optional<sf_value> parse_sf_item(std::string_view text) {
  reader in(text);
  in.skip_spaces();
  auto value = in.take_bare_item();
  if (!value || !in.skip_parameters()) return std::nullopt;
  in.skip_spaces();
  if (!in.at_end()) return std::nullopt;
  return value;
}

std::optional<sf_dictionary> parse_sf_dictionary(std::string_view text) {
  reader in(text);
  sf_dictionary all;
  in.skip_spaces();
  while (!in.at_end()) {
    if (!take_member(in, all)) return std::nullopt;
    in.skip_blanks();
    if (in.at_end()) break;
    if (!in.skip(',')) return std::nullopt;
    in.skip_blanks();
    if (in.at_end()) return std::nullopt;
  }
  return all;
}

const sf_value* find_member(const sf_dictionary& all, std::string_view key) noexcept {
  const auto found = std::ranges::find(all, key, &sf_member::key);
  return found == all.end() ? nullptr : &found->value;
}

std::string sf_byte_sequence(std::string_view bytes) { return ":" + base64_encode(bytes) + ":"; }

std::string base64_encode(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) {
      return k < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[k])) : 0U;
    };
    const unsigned group = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    out += alphabet[group >> 18U & 63U];
    out += alphabet[group >> 12U & 63U];
    out += i + 1 < bytes.size() ? alphabet[group >> 6U & 63U] : '=';
    out += i + 2 < bytes.size() ? alphabet[group & 63U] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);  // nothing of a password stays where it grew
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned group = 0;
    const bool last = i + 4 == text.size();
    const std::size_t digits = last ? 4 - padding : 4;
    for (std::size_t k = 0; k < 4; ++k) {
      const auto value = k < digits ? alphabet.find(text[i + k]) : 0;
      if (value == std::string_view::npos) return std::nullopt;
      group = group << 6U | static_cast<unsigned>(value);
    }
    if (digits < 4 && (group & (digits == 2 ? 0xffffU : 0xffU)) != 0) return std::nullopt;
    out += static_cast<char>(group >> 16U);
    if (digits > 2) out += static_cast<char>(group >> 8U & 0xffU);
    if (digits > 3) out += static_cast<char>(group & 0xffU);
  }
  return out;
}

}  // namespace sluice::http
