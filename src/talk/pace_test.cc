#include "talk/pace.h"

#include <gtest/gtest.h>

namespace sluice::talk {
namespace {

using std::chrono::milliseconds;

const pace::clock::time_point start{std::chrono::hours(1)};

TEST(pace, so_many_at_once_and_then_so_many_a_second) {
  pace limits({.per_second = 5, .at_once = 20});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limits.try_take("anna", start)) << i;
  EXPECT_FALSE(limits.try_take("anna", start));
  EXPECT_FALSE(limits.try_take("anna", start + milliseconds(199)));
  EXPECT_TRUE(limits.try_take("anna", start + milliseconds(201)));
  EXPECT_FALSE(limits.try_take("anna", start + milliseconds(201)));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limits.try_take("anna", start + milliseconds(10'000)));
  EXPECT_FALSE(limits.try_take("anna", start + milliseconds(10'000)));
}

TEST(pace, nobody_is_slowed_down_by_another) {
  pace limits({.per_second = 5, .at_once = 1});
  EXPECT_TRUE(limits.try_take("anna", start));
  EXPECT_TRUE(limits.try_take("ben", start));
  EXPECT_FALSE(limits.try_take("anna", start));
}

TEST(pace, remembers_so_many_and_forgets_the_oldest) {
  pace limits({.per_second = 5, .at_once = 1, .entries_max = 3});
  for (const auto* who : {"a", "b", "c", "a", "d"}) (void)limits.try_take(who, start);
  EXPECT_EQ(limits.size(), 3U);
  EXPECT_FALSE(limits.try_take("a", start));
  EXPECT_TRUE(limits.try_take("b", start)) << "it was forgotten";
}

}  // namespace
}  // namespace sluice::talk
