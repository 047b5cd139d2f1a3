#include "access/backoff.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::access {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const backoff::clock::time_point start{};

TEST(backoff, lets_a_few_through_and_then_doubles_the_wait) {
  backoff guard({.free_tries = 3, .first = seconds(1), .most = seconds(5)});
  auto now = start;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(guard.begin_try("anna", now), seconds(0)) << i;
  for (const int wait_s : {1, 2, 4, 5, 5}) {
    EXPECT_EQ(guard.begin_try("anna", now), seconds(wait_s));
    EXPECT_EQ(guard.begin_try("anna", now + milliseconds(1)), seconds(wait_s) - milliseconds(1))
        << "who does not wait makes it no worse";
    now += seconds(wait_s);
    EXPECT_EQ(guard.begin_try("anna", now), seconds(0));
  }
  EXPECT_EQ(guard.begin_try("bert", now), seconds(0)) << "somebody else";
}

TEST(backoff, never_overflows) {
  backoff guard({.free_tries = 1, .first = seconds(1), .most = std::chrono::hours(24)});
  auto now = start;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(guard.begin_try("anna", now), seconds(0));
    const auto wait = guard.begin_try("anna", now);
    EXPECT_GT(wait, seconds(0));
    EXPECT_LE(wait, std::chrono::hours(24));
    now += wait;
  }
}

TEST(backoff, forgives_who_is_right_and_who_was_quiet) {
  backoff guard({.free_tries = 1, .first = seconds(10), .memory = seconds(100)});
  EXPECT_EQ(guard.begin_try("anna", start), seconds(0));
  EXPECT_GT(guard.begin_try("anna", start), seconds(0));
  guard.forgive("anna");
  EXPECT_EQ(guard.begin_try("anna", start), seconds(0));
  EXPECT_EQ(guard.begin_try("anna", start + seconds(100)), seconds(0));
  EXPECT_EQ(guard.begin_try("anna", start + seconds(100)), seconds(10)) << "the first wait again";
  guard.forgive("nobody");
}

TEST(backoff, keeps_as_many_as_it_may) {
  backoff guard({.free_tries = 1, .entries_max = 4});
  for (int i = 0; i < 4; ++i) (void)guard.begin_try(std::to_string(i), start);
  EXPECT_GT(guard.begin_try("0", start), seconds(0));  // it tried lately
  (void)guard.begin_try("4", start);
  EXPECT_EQ(guard.size(), 4U);
  EXPECT_GT(guard.begin_try("0", start), seconds(0));
  EXPECT_EQ(guard.begin_try("1", start), seconds(0)) << "it was forgotten";
  for (int i = 0; i < 10'000; ++i) (void)guard.begin_try("x" + std::to_string(i), start);
  EXPECT_EQ(guard.size(), 4U);
}

}  // namespace
}  // namespace sluice::access
