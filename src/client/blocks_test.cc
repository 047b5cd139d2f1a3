#include "client/blocks.h"

#include <gmock/gmock.h>

namespace sluice::client {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t mib = base::block_bytes;

TEST(Blocks, Geometry) {
  EXPECT_EQ(blocks_of(0), 0U);
  EXPECT_EQ(blocks_of(1), 1U);
  EXPECT_EQ(blocks_of(mib), 1U);
  EXPECT_EQ(blocks_of(mib + 1), 2U);
  EXPECT_EQ(blocks_of(base::file_bytes_max), std::uint64_t{1} << 43);
  EXPECT_EQ(bytes_of(1, mib + 1), 1U);
  EXPECT_EQ(bytes_of(run{.first = 0, .count = 2}, mib + 1), mib + 1);
  EXPECT_EQ(bytes_of(run{.first = 0, .count = 1}, mib + 1), mib);
}

TEST(BlockQueue, TakesAscendingRunsWithinBounds) {
  block_queue queue;
  queue.push({.first = 0, .count = 3});
  queue.push({.first = 3, .count = 2});
  queue.push({.first = 9, .count = 4});
  EXPECT_THAT(queue.take(4, 10), ElementsAre(run{0, 4}));
  EXPECT_THAT(queue.take(3, 10), ElementsAre(run{4, 1}, run{9, 2}));
  EXPECT_THAT(queue.take(10, 1), ElementsAre(run{11, 2}));
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.take(1, 1).empty());
}

TEST(BlockQueue, WhatFailedComesFirst) {
  block_queue queue;
  queue.push({.first = 5, .count = 2});
  queue.push_front({.first = 9, .count = 1});
  queue.push_front({.first = 8, .count = 1});
  EXPECT_THAT(queue.take(10, 10), ElementsAre(run{8, 2}));  // and not 5, which is not behind it
  EXPECT_EQ(queue.take_one(), 5U);
  EXPECT_EQ(queue.take_one(), 6U);
  EXPECT_EQ(queue.take_one(), std::nullopt);
}

TEST(BlockSet, CountsEachOnce) {
  block_set set(2);
  EXPECT_TRUE(set.insert(1));
  EXPECT_FALSE(set.insert(1));
  EXPECT_FALSE(set.is_full());
  EXPECT_TRUE(set.insert(0));
  EXPECT_TRUE(set.is_full());
  EXPECT_TRUE(block_set(0).is_full());
}

}  // namespace
}  // namespace sluice::client
