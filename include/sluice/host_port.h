// Where to listen, or whom to call: a host and a TCP port, as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice {

// A plain value. Its constructors look idle and are not: GCC 12 destroys an aggregate twice that is
// made inside a co_await, and `co_await connect({"host", 80})` is what everybody writes.
struct host_port {
  host_port() = default;
  host_port(std::string host_name, std::uint16_t port_number)
      : host(std::move(host_name)), port(port_number) {}

  std::string host;  // a name, an IPv4 or an IPv6 address without brackets; empty: every interface
  std::uint16_t port = 0;  // 0, when listening: the system picks one

  friend bool operator==(const host_port&, const host_port&) = default;
};

// Reads "HOST:PORT", "1.2.3.4:80", "[::1]:80" or ":80". Errors: invalid_argument, which names the
// text.
[[nodiscard]] result<host_port> parse_host_port(std::string_view text);

// "localhost:80", "1.2.3.4:80", "[::1]:80". An IPv4 peer of an IPv6 socket is shown as IPv4.
[[nodiscard]] std::string to_string(const host_port& where);
[[nodiscard]] std::string to_string(const tcp_endpoint& where);

}  // namespace sluice
