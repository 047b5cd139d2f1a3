#include "http/target.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address_v6.hpp>

#include "base/text.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

constexpr std::size_t parameters_max = 64;

std::unexpected<problem> refuse(std::string what) {
  return std::unexpected(problem(status::bad_request, std::move(what)));
}

// RFC 3986, 2.3.
constexpr std::array<bool, 256> unreserved_characters = [] {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("-._~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// RFC 3986's characters of a path and a query, and those that browsers leave as they are.
constexpr std::array<bool, 256> target_characters = [] {
  std::array<bool, 256> table = unreserved_characters;
  for (unsigned c = 0x80; c < 256; ++c) table[c] = true;
  for (const char c : std::string_view("!$&'()*+,;=:@/?%[]|^{}`"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_unreserved(char c) noexcept { return unreserved_characters[static_cast<unsigned char>(c)]; }

bool is_target_character(char c) noexcept {
  return target_characters[static_cast<unsigned char>(c)];
}

// A path without a query that means what it says, as most do: nothing in it is escaped, and none of
// its parts is empty or begins with a dot.
bool is_plain_path(std::string_view text) noexcept {
  if (!text.starts_with('/')) return false;
  char before = '\0';
  for (const char c : text) {
    if (before == '/' && (c == '/' || c == '.')) return false;
    if (c != '/' && !is_unreserved(c)) return false;
    before = c;
  }
  return true;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// False: an escape is not % and two hexadecimal digits.
bool append_decoded(std::string& out, std::string_view text, bool plus_is_space) {
  if (!plus_is_space && !text.contains('%')) {
    out += text;
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return false;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

// One part between two slashes, behind what `out` has.
parsed<void> decode_part(std::string& out, std::string_view part) {
  const std::size_t begin = out.size();
  if (!append_decoded(out, part, false)) {
    return refuse("the target has an escape that is not % and two hexadecimal digits");
  }
  const auto decoded = std::string_view(out).substr(begin);
  if (decoded.contains('/')) return refuse("the target has an escaped slash");
  if (decoded == "." || decoded == "..") return refuse("the target has a part that is . or ..");
  return {};
}

parsed<std::string> decode_path(std::string_view path) {
  std::string decoded;
  decoded.reserve(path.size());
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end == 0 && !path.empty()) return refuse("the target has two slashes in a row");
    decoded += '/';
    const auto part = decode_part(decoded, path.substr(0, end));
    if (!part) return std::unexpected(part.error());
    path.remove_prefix(end);
  }
  if (decoded.contains('\\') || has_control(decoded)) {
    return refuse("the target has a backslash or a control character");
  }
  if (!base::is_valid_utf8(decoded)) return refuse("the target is not UTF-8");
  return decoded;
}

parsed<std::vector<std::pair<std::string, std::string>>> decode_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const auto one = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    auto name = percent_decode(one.substr(0, equals), true);
    auto value = percent_decode(one.substr(std::min(one.size(), equals + 1)), true);
    if (!name || !value || has_control(*name) || has_control(*value) ||
        !base::is_valid_utf8(*name) || !base::is_valid_utf8(*value)) {
      return refuse(
          "the query of the target is not percent-encoded UTF-8 without control characters");
    }
    if (query.size() == parameters_max) return refuse("the query has over 64 parameters");
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  if (!append_decoded(out, text, plus_is_space)) return std::nullopt;
  return out;
}

std::string percent_encode_path(std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (is_unreserved(c) || c == '/') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

std::optional<std::string> host_of(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    boost::system::error_code no_address;
    (void)boost::asio::ip::make_address_v6(std::string(host), no_address);
    if (no_address || host.contains('%')) return std::nullopt;
  } else {
    const auto colon = std::min(host.find(':'), host.size());
    port = host.substr(colon);
    host = host.substr(0, colon);
    if (host.empty() || host.size() > 255) return std::nullopt;
    if (!std::ranges::all_of(host, is_unreserved)) return std::nullopt;
  }
  if (!port.empty()) {
    if (port.front() != ':') return std::nullopt;
    port.remove_prefix(1);
    const auto number = port.empty() ? std::optional<std::uint64_t>(0) : parse_number(port);
    if (!number || *number > 65535 || port.size() > 5) return std::nullopt;
  }
  return lower_case(host);
}

parsed<target> parse_target(std::string_view text) {
  target found;
  if (text == "*" || is_plain_path(text)) {
    found.path = text;
    return found;
  }
  if (!std::ranges::all_of(text, is_target_character)) {
    return refuse("the target has a character that a target cannot have: escape it");
  }
  constexpr std::string_view scheme = "http://";
  if (text.size() > scheme.size() && equals_ignoring_case(text.substr(0, scheme.size()), scheme)) {
    text.remove_prefix(scheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    found.authority = text.substr(0, end);
    text.remove_prefix(end);
    if (!host_of(found.authority)) return refuse("the target names no host");
    if (text.empty()) text = "/";
  }
  if (!text.starts_with('/')) return refuse("the target does not begin with /");
  const auto question = std::min(text.find('?'), text.size());
  auto path = decode_path(text.substr(0, question));
  if (!path) return std::unexpected(path.error());
  auto query = decode_query(text.substr(std::min(text.size(), question + 1)));
  if (!query) return std::unexpected(query.error());
  found.path = std::move(*path);
  found.query = std::move(*query);
  return found;
}

}  // namespace sluice::http
