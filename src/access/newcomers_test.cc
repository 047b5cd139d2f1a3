#include "access/newcomers.h"

#include <gtest/gtest.h>

namespace sluice::access {
namespace {

using std::chrono::milliseconds;
constexpr newcomers::clock::time_point start{std::chrono::hours(1)};

// How many of so many, who come every so often, are heard.
int heard(newcomers& at, int count, milliseconds every, newcomers::clock::time_point from = start) {
  int number = 0;
  for (int i = 0; i < count; ++i) number += at.is_one_too_many(from + i * every) ? 0 : 1;
  return number;
}

TEST(newcomers_test, hears_a_seconds_worth_at_once) {
  newcomers at(16);
  EXPECT_EQ(heard(at, 20, milliseconds(0)), 16);
}

TEST(newcomers_test, hears_all_who_come_no_faster) {
  newcomers at(16);
  EXPECT_EQ(heard(at, 10'000, milliseconds(63)), 10'000);
}

TEST(newcomers_test, a_flood_is_not_heard_however_long_it_lasts) {
  newcomers at(16);
  EXPECT_LE(heard(at, 10'000, milliseconds(1)), 17);
  EXPECT_EQ(heard(at, 1'000, milliseconds(50), start + milliseconds(10'000)), 0);
}

TEST(newcomers_test, a_second_behind_a_flood_they_are_heard_again) {
  newcomers at(16);
  const auto end = start + milliseconds(10'000);
  (void)heard(at, 10'001, milliseconds(1));
  EXPECT_TRUE(at.is_one_too_many(end + milliseconds(900)));
  EXPECT_FALSE(at.is_one_too_many(end + milliseconds(1'200)));
}

TEST(newcomers_test, may_hear_nobody_at_first) {
  newcomers at(0);
  EXPECT_EQ(heard(at, 10, std::chrono::minutes(1)), 0);
}

}  // namespace
}  // namespace sluice::access
