#include "base/budget.h"

#include <gtest/gtest.h>

namespace sluice::base {
namespace {

using namespace std::chrono_literals;

TEST(budget, takes_up_to_its_limit_and_not_one_over) {
  budget mine("anna", nullptr);
  mine.set({.bytes = 10, .files = 2, .uploads = 1, .connections = 1});
  EXPECT_TRUE(mine.take({.bytes = 6, .files = 1, .uploads = 1}));
  EXPECT_EQ(mine.take({.bytes = 5}).error().code, errc::no_space);
  EXPECT_TRUE(mine.take({.bytes = 4, .files = 1}));
  EXPECT_EQ(mine.take({.bytes = 1}).error().code, errc::no_space);
  EXPECT_EQ(mine.take({.files = 1}).error().code, errc::no_space);
  EXPECT_EQ(mine.take({.uploads = 1}).error().code, errc::busy);
  mine.give_back({.bytes = 6, .files = 1, .uploads = 1});
  EXPECT_TRUE(mine.take({.bytes = 6, .files = 1, .uploads = 1}));
}

TEST(budget, what_is_taken_below_is_taken_above_or_not_at_all) {
  const auto above = std::make_shared<budget>("anna", nullptr);
  above->set({.bytes = 10});
  budget below("the link", above);
  EXPECT_TRUE(below.is_counted());
  EXPECT_TRUE(below.take({.bytes = 6}));
  EXPECT_EQ(below.take({.bytes = 6}).error().code, errc::no_space);
  EXPECT_EQ(below.use().bytes, 6U) << "what was refused above is not taken below";
  below.give_back({.bytes = 6});
  EXPECT_EQ(above->use().bytes, 0U);
}

TEST(budget, a_place_is_given_back_with_its_end) {
  const auto mine = std::make_shared<budget>("anna", nullptr);
  mine->set({.connections = 1});
  {
    auto here = budget_place::take(mine);
    ASSERT_TRUE(here);
    EXPECT_EQ(budget_place::take(mine).error().code, errc::busy);
    const budget_place moved(std::move(*here));
    EXPECT_EQ(mine->use().connections, 1U);
  }
  EXPECT_EQ(mine->use().connections, 0U);
  EXPECT_TRUE(budget_place::take(nullptr)) << "nobody's";
}

TEST(budget, a_rate_is_kept_on_average_and_shared) {
  const auto above = std::make_shared<budget>("anna", nullptr);
  above->set({.rate_bytes = 1000});
  budget below("the link", above);
  const auto start = budget::clock::now();
  std::chrono::nanoseconds waited{0};
  for (int i = 0; i < 10; ++i) waited += below.pass(500, start + waited);
  EXPECT_GE(waited, 4800ms);
  EXPECT_LE(waited, 5000ms);
  EXPECT_GT(above->pass(1, start + waited), 0ns) << "it was taken there, too";
  EXPECT_EQ(below.pass(1, start + 60s), 0ns) << "rest is no store, and debts end";
  EXPECT_GE(below.pass(1000, start + 60s), 890ms);
}

}  // namespace
}  // namespace sluice::base
