#include "base/spare_bytes.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace sluice::base {
namespace {

std::vector<std::byte> filled(std::size_t bytes) { return std::vector<std::byte>(bytes); }

TEST(SpareBytes, AreEmptyAndHaveTheRoomOfWhatWasLent) {
  spare_bytes spare(2, 1 << 20);
  auto lent = spare.lend(filled(5'000));
  EXPECT_EQ(lent->size(), 5'000);
  EXPECT_EQ(spare.take().capacity(), 0) << "it is still read";
  lent.reset();
  const auto again = spare.take();
  EXPECT_TRUE(again.empty());
  EXPECT_GE(again.capacity(), 5'000);
  EXPECT_EQ(spare.take().capacity(), 0);
}

TEST(SpareBytes, AreKeptBehindTheLastReader) {
  spare_bytes spare(2, 1 << 20);
  auto first = spare.lend(filled(100));
  auto second = first;
  first.reset();
  EXPECT_EQ(spare.take().capacity(), 0);
  second.reset();
  EXPECT_GE(spare.take().capacity(), 100);
}

TEST(SpareBytes, KeepNoMoreThanTheirNumber) {
  spare_bytes spare(2, 1 << 20);
  {
    const auto one = spare.lend(filled(10));
    const auto two = spare.lend(filled(20));
    const auto three = spare.lend(filled(30));
  }
  EXPECT_GT(spare.take().capacity(), 0);
  EXPECT_GT(spare.take().capacity(), 0);
  EXPECT_EQ(spare.take().capacity(), 0);
}

TEST(SpareBytes, KeepNoneOfTooMuchRoom) {
  spare_bytes spare(2, 1'000);
  static_cast<void>(spare.lend(filled(1'001)));
  EXPECT_EQ(spare.take().capacity(), 0);
  static_cast<void>(spare.lend(filled(1'000)));
  EXPECT_EQ(spare.take().capacity(), 1'000);
}

TEST(SpareBytes, WhatIsLentOutlivesThem) {
  std::optional<spare_bytes> spare(std::in_place, 2, 1'000);
  const auto lent = spare->lend(filled(7));
  spare.reset();
  EXPECT_EQ(lent->size(), 7);
}

TEST(SpareBytes, AreGivenBackOnAnyThread) {
  spare_bytes spare(4, 1'000);
  {
    std::jthread other([lent = spare.lend(filled(9))] { EXPECT_EQ(lent->size(), 9); });
  }
  EXPECT_GE(spare.take().capacity(), 9);
}

}  // namespace
}  // namespace sluice::base
