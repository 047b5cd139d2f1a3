#include "net/address_key.h"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

std::string key_of(const char* address) {
  return address_key({boost::asio::ip::make_address(address), 4242});
}

TEST(address_key, is_of_a_household_and_not_of_a_socket) {
  EXPECT_EQ(key_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(key_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(key_of("2001:db8:1:2::1"), key_of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(key_of("2001:db8:1:2::1"), key_of("2001:db8:1:3::1"));
  EXPECT_NE(key_of("::1"), key_of("192.0.2.7"));
}

}  // namespace
}  // namespace sluice::net
