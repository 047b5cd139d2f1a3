#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice::base {
namespace {

TEST(format_size, rounds_down_and_changes_unit_at_1024) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1024 * 1024 - 1), "1023.9 KiB");
  EXPECT_EQ(format_size(1024 * 1024), "1.0 MiB");
  EXPECT_EQ(format_size(std::uint64_t{300} << 30), "300.0 GiB");
  EXPECT_EQ(format_size(~std::uint64_t{0}), "15.9 EiB");
}

TEST(hex, goes_there_and_back) {
  const std::array bytes{std::byte{0x00}, std::byte{0x9f}, std::byte{0xAB}};
  EXPECT_EQ(to_hex(bytes), "009fab");
  std::string text = "x";
  append_hex(text, bytes);
  EXPECT_EQ(text, "x009fab");
  std::array<std::byte, 3> read;
  ASSERT_TRUE(from_hex("009FaB", read));
  EXPECT_EQ(read, bytes);
}

TEST(hex, refuses_other_lengths_and_characters) {
  std::array<std::byte, 2> read;
  for (const char* text : {"", "123", "12345", "123456", "12g4", "12 4", "0x12", "/234", ":234"}) {
    EXPECT_FALSE(from_hex(text, read)) << text;
  }
}

}  // namespace
}  // namespace sluice::base
