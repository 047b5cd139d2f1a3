#include "net/which_protocol.h"

#include <gtest/gtest.h>

#include <string_view>

namespace sluice::net {
namespace {

TEST(which_protocol, is_known_by_its_first_byte) {
  EXPECT_EQ(protocol_of(std::byte{0x89}), protocol::native);
  EXPECT_EQ(protocol_of(std::byte{0x16}), protocol::tls);
  for (const char c : std::string_view("GHPODaz09!#~ \r\n\t")) {
    EXPECT_EQ(protocol_of(static_cast<std::byte>(c)), protocol::http) << c;
  }
  for (const int c :
       {0x00, 0x15, 0x17, 0x22, 0x28, 0x2f, 0x3a, 0x40, 0x5b, 0x7f, 0x80, 0x88, 0xff}) {
    EXPECT_EQ(protocol_of(static_cast<std::byte>(c)), protocol::unknown) << c;
  }
}

}  // namespace
}  // namespace sluice::net
