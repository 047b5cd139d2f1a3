#include "client/url.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/url.hpp>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace sluice::client {

namespace {

namespace urls = boost::urls;

constexpr std::string_view files = "files";

struct scheme {
  std::string_view begin;
  std::string_view form;
  std::uint16_t port;
  bool over_http;
  bool always_tls;
};
constexpr std::array schemes{
    scheme{"sluice://", "sluice://HOST[:PORT]/path", default_port, false, false},
    scheme{"sluices://", "sluices://HOST[:PORT]/path", default_port, false, true},
    scheme{"http://", "http://HOST[:PORT]/files/path", default_http_port, true, false},
    scheme{"https://", "https://HOST[:PORT]/files/path", default_https_port, true, true},
};

// sluice:// where it is none.
const scheme& scheme_of(std::string_view text) {
  const auto* const found = std::ranges::find_if(
      schemes, [text](const scheme& each) { return text.starts_with(each.begin); });
  return found == schemes.end() ? schemes.front() : *found;
}

const scheme& scheme_of(const url& place) {
  const auto* const found = std::ranges::find_if(schemes, [&place](const scheme& each) {
    return each.over_http == place.over_http && each.always_tls == place.always_tls;
  });
  return *found;
}

// Where the '@' behind a user stands, or nowhere. A password may have a '/' that nobody encoded:
// then what follows the ':' before it is no port.
std::size_t end_of_user(std::string_view text, std::size_t begin) {
  constexpr auto nowhere = std::string_view::npos;
  const auto rest = text.substr(begin);
  const auto server = rest.substr(0, rest.find('/'));
  if (const auto at = server.rfind('@'); at != nowhere) return begin + at;
  const auto colon = server.find(':');
  const bool has_port = colon == nowhere || server.starts_with('[') ||
                        server.find_first_not_of("0123456789", colon + 1) == nowhere;
  const auto at = has_port ? nowhere : rest.rfind('@');
  return at == nowhere ? nowhere : begin + at;
}

// As it was typed, but for what may be a secret: a password before the host, a key or a link
// behind '#'.
std::string without_secrets(std::string_view typed) {
  constexpr std::string_view hidden = "...";
  const std::size_t mark = typed.find('#');
  std::string text(typed.substr(0, mark));
  const std::size_t scheme_ends = text.find("://");
  const bool has_scheme = scheme_ends != std::string::npos && scheme_ends + 1 == text.find('/');
  const std::size_t begin = has_scheme ? scheme_ends + 3 : 0;
  const std::size_t host_at = end_of_user(text, begin);
  if (host_at != std::string::npos) text.replace(begin, host_at - begin, hidden);
  if (mark != std::string_view::npos) text.append("#").append(hidden);
  return text;
}

std::unexpected<error> refuse(std::string_view text, std::string_view why, std::string_view form) {
  return fail(errc::invalid_argument, "read the address \"" + without_secrets(text) +
                                          "\": " + std::string(why) + " (the form is " +
                                          std::string(form) + ")");
}

std::unexpected<error> refuse(std::string_view text, std::string_view why) {
  return refuse(text, why, scheme_of(text).form);
}

// What may stand in a path that Boost.URL reads, with '%' for what is encoded already. All else
// that people type (spaces, other scripts) is percent-encoded first.
bool is_readable(char c) { return (urls::pchars + '/')(c) || c == '%' || c == '?' || c == '#'; }

// What stands for itself when a path is shown: all but what would be read as something else.
bool is_shown(char c) {
  const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  return !control && c != '%' && c != '?' && c != '#';
}

std::string encode_unless(bool (*stands)(char), std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    if (stands(c)) {
      encoded += c;
    } else {
      encoded += urls::encode(std::string_view(&c, 1), urls::unreserved_chars);
    }
  }
  return encoded;
}

// Parts that lead out of the folder or say nothing have no place in an address; doubled slashes are
// one. A trailing slash stays.
std::optional<std::string> clean_path(const urls::segments_encoded_view& segments) {
  std::string path;
  for (const auto encoded : segments) {
    const std::string part = urls::pct_string_view(encoded).decode();
    if (part == "." || part == "..") return std::nullopt;
    if (part.find('/') != std::string::npos) return std::nullopt;
    if (!path.empty() && path.back() != '/') path += '/';
    path += part;
  }
  return path;
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

// Boost.URL 1.81 counts beyond 65535 from 0 again.
result<std::uint16_t> port_of(const urls::url_view& parsed, std::string_view text) {
  if (!parsed.has_port() || parsed.port().empty()) return scheme_of(text).port;
  const std::string_view digits = parsed.port();
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return refuse(text, "the port is a number from 1 to 65535");
  }
  return port;
}

result<std::string> host_of(const urls::url_view& parsed, std::string_view text) {
  if (parsed.has_userinfo()) {
    return refuse(text, "a user name has no place in it: \"sluice login\" says who you are");
  }
  if (parsed.host_type() == urls::host_type::ipvfuture) {
    return refuse(text, "this kind of host is not known");
  }
  std::string host = parsed.host_address();
  if (host.empty()) return refuse(text, "the host is missing");
  if (host.find('%') != std::string::npos || host != parsed.encoded_host_address()) {
    return refuse(text, "the host holds characters that no host has");
  }
  return host;
}

result<std::string> path_of(const urls::url_view& parsed, std::string_view text) {
  if (parsed.has_query()) return refuse(text, "a '?' in a name is written %3F");
  if (parsed.has_fragment()) return refuse(text, "a '#' in a name is written %23");
  auto path = clean_path(parsed.encoded_segments());
  if (!path) return refuse(text, "the parts '.' and '..' and an encoded '/' are not allowed");
  if (has_control(*path)) return refuse(text, "control characters are not allowed");
  if (!base::is_valid_utf8(*path)) return refuse(text, "the path is not UTF-8");
  return std::move(*path);
}

}  // namespace

std::string url::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string url::text() const {
  const scheme& spoken = scheme_of(*this);
  std::string place = std::string(spoken.begin) + authority();
  if (port == spoken.port) place.resize(place.rfind(':'));
  if (over_http) place += "/" + std::string(files);
  return place + "/" + encode_unless(is_shown, path);
}

namespace {

// As a browser has it: content stands below /files/.
std::optional<std::string> below_files(std::string path) {
  if (path.empty() || path == files) return "";
  if (path.starts_with(files) && path[files.size()] == '/') return path.substr(files.size() + 1);
  return std::nullopt;
}

result<url> parse(std::string_view text) {
  const scheme& spoken = scheme_of(text);
  if (!text.starts_with(spoken.begin)) {
    return refuse(text, "it does not begin with " + std::string(spoken.begin));
  }
  if (has_control(text)) return refuse(text, "control characters are not allowed");
  const std::size_t path_at = std::min(text.find_first_of("/?#", spoken.begin.size()), text.size());
  const std::string encoded =
      std::string(text.substr(0, path_at)) + encode_unless(is_readable, text.substr(path_at));
  const auto parsed = urls::parse_uri(encoded);
  // Boost.URL 1.81 takes "host:8o8o" for the port 8 and a path: what it read must be what stands
  // there.
  const auto authority = text.substr(spoken.begin.size(), path_at - spoken.begin.size());
  if (!parsed || std::string_view(parsed->encoded_authority()) != authority) {
    return refuse(text,
                  "it is malformed (a '%' in a name is written %25, and IPv6 addresses stand "
                  "in brackets)");
  }
  auto host = host_of(*parsed, text);
  if (!host) return std::unexpected(std::move(host).error());
  const auto port = port_of(*parsed, text);
  if (!port) return std::unexpected(port.error());
  auto path = path_of(*parsed, text);
  if (!path) return std::unexpected(std::move(path).error());
  if (spoken.over_http) {
    auto below = below_files(std::move(*path));
    if (!below) return refuse(text, "it names nothing below /files/");
    path = std::move(*below);
  }
  return url{std::move(*host), *port, std::move(*path), spoken.over_http, spoken.always_tls};
}

}  // namespace

result<url> parse_url(std::string_view text) {
  if (!scheme_of(text).over_http) return parse(text);
  return refuse(text, "it does not begin with sluice://, as is needed here", schemes[0].form);
}

result<url> parse_any(std::string_view text) {
  const scheme& spoken = scheme_of(text);
  if (!spoken.over_http) return parse(text);
  auto server = text.substr(spoken.begin.size());
  server = server.substr(0, server.find_first_of("/?#"));
  return parse(std::string(spoken.begin) + std::string(server));
}

result<url> parse_source(std::string_view text) { return parse(text); }

bool is_loopback(std::string_view host) {
  boost::system::error_code no_address;
  const auto address = boost::asio::ip::make_address(std::string(host), no_address);
  if (no_address) return host == "localhost";
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.is_loopback();
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())
      .is_loopback();
}

}  // namespace sluice::client
