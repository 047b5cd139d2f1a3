// sluice://HOST[:PORT]/path, and http://HOST[:PORT]/files/path; sluices:// and https:// with TLS
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/error.h"

namespace sluice::client {

inline constexpr std::uint16_t default_port = 8080;
inline constexpr std::uint16_t default_http_port = 80;
inline constexpr std::uint16_t default_https_port = 443;

// A place on a server. `path` is decoded UTF-8, its parts divided by '/', with no leading '/'; a
// trailing '/' is kept, because it says "a folder".
struct url {
  std::string host;  // a name or an address; IPv6 without the brackets
  std::uint16_t port = default_port;
  std::string path;
  bool over_http = false;   // asked for by the address that a browser has; `path` is below /files/
  bool always_tls = false;  // sluices:// and https://

  // For people and for error texts; parses back to the same value.
  [[nodiscard]] std::string text() const;
  // "host:port", with brackets around IPv6.
  [[nodiscard]] std::string authority() const;

  friend bool operator==(const url&, const url&) = default;
};

// Parses with Boost.URL (RFC 3986). invalid_argument says what is wrong and shows the right form.
// Percent escapes and plain UTF-8 are both accepted in the path ("sluice://host/电影/第 1 集.mp4"
// is fine).
[[nodiscard]] result<url> parse_url(std::string_view text);

// Either of them, for what needs the server alone.
[[nodiscard]] result<url> parse_any(std::string_view text);

// Whether a host, a name or an address, is this machine: "localhost", 127.0.0.1, ::1.
[[nodiscard]] bool is_loopback(std::string_view host);

// The same for what is only read: an http or https address too. "http://host/" is the served
// folder.
[[nodiscard]] result<url> parse_source(std::string_view text);

}  // namespace sluice::client
