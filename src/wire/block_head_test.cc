#include "wire/block_head.h"

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

constexpr std::uint64_t mib = 1'048'576;
constexpr std::uint64_t largest_file = (std::uint64_t{1} << 63) - 1;

block_head at(std::uint64_t offset) {
  block_head head{.offset = offset};
  for (std::size_t i = 0; i < 16; ++i) head.digest.bytes[i] = static_cast<std::byte>(0xF0 + i);
  return head;
}

TEST(block_head, is_read_as_it_was_made) {
  const auto head = at(0x0102'0304'0506'0700);
  const auto bytes = encode_block_head(head);
  EXPECT_EQ(bytes[0], std::byte{0x01});
  EXPECT_EQ(bytes[6], std::byte{0x07});
  EXPECT_EQ(bytes[8], std::byte{0xF0});
  EXPECT_EQ(bytes[23], std::byte{0xFF});
  EXPECT_EQ(parse_block_head(bytes, 256), head);
}

void expect_block(std::uint64_t offset, std::uint64_t payload_bytes, bool passes) {
  SCOPED_TRACE(testing::Message() << payload_bytes << " bytes at " << offset);
  EXPECT_EQ(check_block(offset, payload_bytes).has_value(), passes);
  const auto parsed = parse_block_head(encode_block_head(at(offset)), payload_bytes);
  EXPECT_EQ(parsed.has_value(), passes);
  if (!parsed) {
    EXPECT_EQ(parsed.error().code, errc::bad_frame);
  }
  if (payload_bytes <= UINT32_MAX) {
    const auto size = static_cast<std::uint32_t>(payload_bytes);
    EXPECT_EQ(encode_block_frame_head(1, no_flags, at(offset), size).has_value(), passes);
  }
}

TEST(block_head, a_payload_is_never_empty) {
  expect_block(0, 0, false);
  expect_block(mib, 0, false);
  expect_block(0, 1, true);
}

TEST(block_head, a_payload_ends_at_a_border_at_the_latest) {
  expect_block(0, mib, true);
  expect_block(0, mib + 1, false);
  expect_block(1, mib - 1, true);
  expect_block(1, mib, false);
  expect_block(mib - 1, 1, true);
  expect_block(mib - 1, 2, false);
  expect_block(mib, mib, true);
  expect_block(5 * mib + 17, mib - 17, true);
  expect_block(5 * mib + 17, mib - 16, false);
}

TEST(block_head, a_payload_lies_in_the_largest_file) {
  expect_block(largest_file - 1, 1, true);
  expect_block(largest_file - 1, 2, false);
  expect_block(largest_file, 1, false);
  expect_block(largest_file + 1, 1, false);
  expect_block(UINT64_MAX, 1, false);
  expect_block(UINT64_MAX, UINT64_MAX, false);
}

TEST(block_head, a_frame_with_the_largest_payload_is_read) {
  const auto bytes = encode_block_frame_head(9, last, at(mib), mib);
  ASSERT_TRUE(bytes);
  const auto head =
      parse_head(std::span<const std::byte>(*bytes).first<head_bytes>(), side::server);
  ASSERT_TRUE(head);
  EXPECT_EQ(*head,
            (frame_head{.body_bytes = 24 + mib, .kind = kind::block, .flags = last, .request = 9}));
}

}  // namespace
}  // namespace sluice::wire
