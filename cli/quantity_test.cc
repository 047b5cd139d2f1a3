#include "cli/quantity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

TEST(human_bytes, has_one_decimal_and_never_four_digits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(1049), "1.0 kB");
  EXPECT_EQ(human_bytes(1051), "1.1 kB");
  EXPECT_EQ(human_bytes(999'900), "999.9 kB");
  EXPECT_EQ(human_bytes(999'960), "1.0 MB");
  EXPECT_EQ(human_bytes(300'000'000'000), "300.0 GB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18.4 EB");
}

TEST(human_duration, grows_its_unit) {
  EXPECT_EQ(human_duration(milliseconds(0)), "0.0 s");
  EXPECT_EQ(human_duration(milliseconds(949)), "0.9 s");
  EXPECT_EQ(human_duration(milliseconds(9949)), "9.9 s");
  EXPECT_EQ(human_duration(milliseconds(9950)), "10 s");
  EXPECT_EQ(human_duration(milliseconds(59'499)), "59 s");
  EXPECT_EQ(human_duration(milliseconds(59'500)), "1:00");
  EXPECT_EQ(human_duration(milliseconds(185'000)), "3:05");
  EXPECT_EQ(human_duration(milliseconds(3'723'000)), "1:02:03");
  EXPECT_EQ(human_duration(milliseconds(400'000'000)), "111:06:40");
}

TEST(parse_duration, takes_a_whole_number_and_its_unit) {
  EXPECT_EQ(parse_duration("1ms"), milliseconds(1));
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("10s"), milliseconds(10'000));
  EXPECT_EQ(parse_duration("10min"), milliseconds(600'000));
  EXPECT_EQ(parse_duration("24h"), milliseconds(86'400'000));
  EXPECT_EQ(parse_duration("1440min"), milliseconds(86'400'000));
}

TEST(parse_duration, takes_days_where_they_are_allowed) {
  EXPECT_EQ(parse_duration("1d"), milliseconds(86'400'000));
  EXPECT_EQ(parse_duration("2d"), std::nullopt);
  EXPECT_EQ(parse_duration("7d", milliseconds(604'800'000)), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("8d", milliseconds(604'800'000)), std::nullopt);
}

TEST(parse_size, takes_a_whole_number_and_its_unit) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("5B"), 5U);
  EXPECT_EQ(parse_size("2kB"), 2'000U);
  EXPECT_EQ(parse_size("100MB/s"), 100'000'000U);
  EXPECT_EQ(parse_size("3GiB"), std::uint64_t{3} << 30);
  EXPECT_EQ(parse_size("1TB"), 1'000'000'000'000U);
  EXPECT_EQ(parse_size("9223372036854775807"), 9'223'372'036'854'775'807U);
}

TEST(parse_size, refuses_the_rest) {
  for (const auto* text : {"", "MB", "-1", "1.5GB", "1 GB", "1mb", "1GBs", "9223372036854775808",
                           "9223372036854775807kB", "1s", "/s"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(parse_duration, refuses_the_rest) {
  for (const char* text :
       {"", "s", "10", "0s", "-1s", "+1s", "1.5s", "1 s", "2d", "1sec", "25h", "86401s",
        "86400001ms", "9223372036854775807h", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(counted, knows_the_plural) {
  EXPECT_EQ(counted(0, "file"), "0 files");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(2, "file"), "2 files");
}

TEST(human_date, is_that_of_utc) {
  EXPECT_EQ(human_date(0), "1970-01-01");
  EXPECT_EQ(human_date(1'798'761'599), "2026-12-31");
  EXPECT_EQ(human_date(1'798'761'600), "2027-01-01");
}

TEST(human_time, is_local_and_floors) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(human_time(0), "-");
  EXPECT_EQ(human_time(1'000'000'000'000'000'000), "2001-09-09 01:46");
  EXPECT_EQ(human_time(-1), "1969-12-31 23:59");
}

}  // namespace
}  // namespace sluice::cli
