#include "server/reachable.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <memory>

namespace sluice::server {
namespace {

struct free_addresses {
  void operator()(ifaddrs* all) const noexcept { ::freeifaddrs(all); }
};

std::string text_of(const sockaddr& address) {
  std::array<char, NI_MAXHOST> text{};
  const auto size = address.sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  const int failed = ::getnameinfo(&address, static_cast<socklen_t>(size), text.data(), text.size(),
                                   nullptr, 0, NI_NUMERICHOST);
  return failed == 0 ? std::string(text.data()) : std::string();
}

}  // namespace

std::vector<host_port> reachable_at(const host_port& listening) {
  boost::system::error_code no_address;
  const auto address = boost::asio::ip::make_address(listening.host, no_address);
  const bool is_every = listening.host.empty() || (!no_address && address.is_unspecified());
  if (!is_every) return {listening};
  const bool only_v4 = !listening.host.empty() && address.is_v4();
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {listening};
  const std::unique_ptr<ifaddrs, free_addresses> all(first);
  std::vector<host_port> found;
  for (const auto* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && (family != AF_INET6 || only_v4)) continue;
    const auto text = text_of(*one->ifa_addr);
    if (text.empty() || text.find('%') != std::string::npos) continue;  // of one link only
    found.emplace_back(text, listening.port);
  }
  std::ranges::stable_partition(found, [](const host_port& where) {
    return !where.host.starts_with("127.") && where.host != "::1";
  });
  return found;
}

}  // namespace sluice::server
