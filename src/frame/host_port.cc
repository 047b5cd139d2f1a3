#include "sluice/host_port.h"

#include <boost/asio/ip/address_v4.hpp>
#include <charconv>

namespace sluice {

namespace {

std::string join(std::string_view host, std::uint16_t port) {
  const bool brackets = host.find(':') != std::string_view::npos;
  std::string text;
  if (brackets) text += '[';
  text += host;
  if (brackets) text += ']';
  return text + ':' + std::to_string(port);
}

}  // namespace

result<host_port> parse_host_port(std::string_view text) {
  const auto refuse = [text] {
    return fail(errc::invalid_argument,
                "read \"" + std::string(text) + "\" as HOST:PORT (or [IPV6]:PORT)");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();  // a bare IPv6 address: which of its colons is before the port?
  }
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return refuse();
  return host_port{std::string(host), port};
}

std::string to_string(const host_port& where) { return join(where.host, where.port); }

std::string to_string(const tcp_endpoint& where) {
  const auto address = where.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return join(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string(),
                where.port());
  return join(address.to_string(), where.port());
}

}  // namespace sluice
