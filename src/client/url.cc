#include "client/url.h"

#include <boost/url.hpp>
#include <optional>

#include "base/text.h"

namespace sluice::client {

namespace {

namespace urls = boost::urls;

constexpr std::string_view scheme = "sluice://";
constexpr std::string_view http_scheme = "http://";
constexpr std::string_view files = "files";

std::unexpected<error> refuse(std::string_view text, std::string_view why) {
  const bool is_http = text.starts_with(http_scheme);
  return fail(errc::invalid_argument, "read the address \"" + std::string(text) +
                                          "\": " + std::string(why) +
                                          (is_http ? " (the form is http://HOST[:PORT]/files/path)"
                                                   : " (the form is sluice://HOST[:PORT]/path)"));
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

result<std::uint16_t> port_of(const urls::url_view& parsed, std::string_view text) {
  if (!parsed.has_port() || parsed.port().empty()) {
    return text.starts_with(http_scheme) ? default_http_port : default_port;
  }
  if (parsed.port_number() == 0) return refuse(text, "the port is a number from 1 to 65535");
  return parsed.port_number();
}

result<std::string> host_of(const urls::url_view& parsed, std::string_view text) {
  if (parsed.has_userinfo()) return refuse(text, "a user name has no place in it");
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
  std::string place = authority();
  if (port == (over_http ? default_http_port : default_port)) place.resize(place.rfind(':'));
  const std::string path_text = "/" + encode_unless(is_shown, path);
  if (!over_http) return std::string(scheme) + place + path_text;
  return std::string(http_scheme) + place + "/" + std::string(files) + path_text;
}

namespace {

// As a browser has it: content stands below /files/.
std::optional<std::string> below_files(std::string path) {
  if (path.empty() || path == files) return "";
  if (path.starts_with(files) && path[files.size()] == '/') return path.substr(files.size() + 1);
  return std::nullopt;
}

result<url> parse(std::string_view text, std::string_view expected) {
  if (!text.starts_with(expected)) {
    return refuse(text, "it does not begin with " + std::string(expected));
  }
  if (has_control(text)) return refuse(text, "control characters are not allowed");
  const std::size_t path_at = std::min(text.find_first_of("/?#", expected.size()), text.size());
  const std::string encoded =
      std::string(text.substr(0, path_at)) + encode_unless(is_readable, text.substr(path_at));
  const auto parsed = urls::parse_uri(encoded);
  // Boost.URL 1.81 takes "host:8o8o" for the port 8 and a path: what it read must be what stands
  // there.
  const auto authority = text.substr(expected.size(), path_at - expected.size());
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
  if (expected == scheme) return url{std::move(*host), *port, std::move(*path)};
  auto below = below_files(std::move(*path));
  if (!below) return refuse(text, "it names nothing below /files/");
  return url{std::move(*host), *port, std::move(*below), true};
}

}  // namespace

result<url> parse_url(std::string_view text) {
  if (!text.starts_with(http_scheme)) return parse(text, scheme);
  return fail(errc::invalid_argument,
              "read the address \"" + std::string(text) +
                  "\": it does not begin with sluice://, as all but get and ls need "
                  "(the form is sluice://HOST[:PORT]/path)");
}

result<url> parse_any(std::string_view text) {
  if (!text.starts_with(http_scheme)) return parse(text, scheme);
  auto server = text.substr(http_scheme.size());
  server = server.substr(0, server.find_first_of("/?#"));
  return parse(std::string(http_scheme) + std::string(server), http_scheme);
}

result<url> parse_source(std::string_view text) {
  return parse(text, text.starts_with(http_scheme) ? http_scheme : scheme);
}

}  // namespace sluice::client
