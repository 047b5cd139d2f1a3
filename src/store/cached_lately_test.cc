#include "store/cached_lately.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice::store {
namespace {

using namespace std::chrono_literals;

entry file_of(std::uint64_t inode) { return {.size_bytes = 5, .mtime_ns = 7, .id = {.ino = inode}}; }

TEST(cached_lately, holds_a_file_for_a_moment) {
  const auto lately = std::make_unique<cached_lately>();
  const cached_lately::clock::time_point now(100h);
  EXPECT_FALSE(lately->holds(file_of(1), now));
  lately->note(file_of(1), now);
  EXPECT_TRUE(lately->holds(file_of(1), now));
  EXPECT_TRUE(lately->holds(file_of(1), now + 999ms));
  EXPECT_FALSE(lately->holds(file_of(1), now + 1000ms));
  lately->note(file_of(1), now + 1000ms);
  EXPECT_TRUE(lately->holds(file_of(1), now + 1500ms));
}

TEST(cached_lately, takes_no_file_for_another_one) {
  const auto lately = std::make_unique<cached_lately>();
  const cached_lately::clock::time_point now{};
  EXPECT_FALSE(lately->holds(entry{}, now)) << "an empty slot is nobody's";
  lately->note(file_of(1), now);
  auto other = file_of(1);
  other.size_bytes = 6;
  EXPECT_FALSE(lately->holds(other, now));
  other = file_of(1);
  other.mtime_ns = 8;
  EXPECT_FALSE(lately->holds(other, now));
  for (std::uint64_t inode = 2; inode < 100'000; ++inode) {
    ASSERT_FALSE(lately->holds(file_of(inode), now)) << inode;
  }
}

// More files than it has places: whoever came last has one.
TEST(cached_lately, forgets_rather_than_grows) {
  const auto lately = std::make_unique<cached_lately>();
  const cached_lately::clock::time_point now(1h);
  for (std::uint64_t inode = 0; inode < 200'000; ++inode) {
    lately->note(file_of(inode), now);
    ASSERT_TRUE(lately->holds(file_of(inode), now));
  }
  int held = 0;
  for (std::uint64_t inode = 0; inode < 200'000; ++inode) held += lately->holds(file_of(inode), now);
  EXPECT_GT(held, 30'000);
  EXPECT_LE(held, 1 << 15);
}

}  // namespace
}  // namespace sluice::store
