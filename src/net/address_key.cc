#include "net/address_key.h"

#include <algorithm>

namespace sluice::net {

std::string plain_address(const tcp_endpoint& peer) {
  const auto address = peer.address();
  if (address.is_v4() || !address.to_v6().is_v4_mapped()) return address.to_string();
  using boost::asio::ip::make_address_v4;
  using boost::asio::ip::v4_mapped;
  return make_address_v4(v4_mapped, address.to_v6()).to_string();
}

std::string address_key(const tcp_endpoint& peer) {
  const auto address = peer.address();
  if (address.is_v4() || address.to_v6().is_v4_mapped()) return plain_address(peer);
  const auto v6 = address.to_v6();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace sluice::net
