#include "cli/timecode.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::cli {
namespace {

frame_rate rate(std::string_view name) { return parse_frame_rate(name).value(); }

TEST(timecode, of_whole_rates) {
  EXPECT_EQ(timecode(0, rate("25")), "00:00:00:00");
  EXPECT_EQ(timecode(90'000, rate("25")), "01:00:00:00");
  EXPECT_EQ(timecode(90'024, rate("25")), "01:00:00:24");
  EXPECT_EQ(timecode(86'400, rate("24")), "01:00:00:00");
  EXPECT_EQ(timecode(86'400, rate("23.976")), "01:00:00:00");
  EXPECT_EQ(timecode(60 * 60 * 60, rate("60")), "01:00:00:00");
  EXPECT_EQ(timecode(25 * 86'400, rate("25")), "00:00:00:00") << "a day is over";
}

// The numbers that SMPTE ST 12-1 and every editing program have.
TEST(timecode, of_drop_frame) {
  const auto ntsc = rate("29.97");
  EXPECT_EQ(timecode(1'799, ntsc), "00:00:59;29");
  EXPECT_EQ(timecode(1'800, ntsc), "00:01:00;02");
  EXPECT_EQ(timecode(3'597, ntsc), "00:01:59;29");
  EXPECT_EQ(timecode(3'598, ntsc), "00:02:00;02");
  EXPECT_EQ(timecode(17'981, ntsc), "00:09:59;29");
  EXPECT_EQ(timecode(17'982, ntsc), "00:10:00;00");
  EXPECT_EQ(timecode(107'892, ntsc), "01:00:00;00");
  EXPECT_EQ(timecode(2'589'408, ntsc), "00:00:00;00");
  EXPECT_EQ(timecode(107'892, rate("29.97ndf")), "00:59:56:12");
  const auto fast = rate("59.94");
  EXPECT_EQ(timecode(3'599, fast), "00:00:59;59");
  EXPECT_EQ(timecode(3'600, fast), "00:01:00;04");
  EXPECT_EQ(timecode(35'964, fast), "00:10:00;00");
}

TEST(timecode, drop_frame_keeps_up_with_the_clock) {
  for (const auto* name : {"29.97", "59.94"}) {
    const auto shown = timecode(frame_at(std::uint64_t{3600} * 1000, rate(name)), rate(name));
    EXPECT_EQ(shown, "01:00:00;00") << name;
  }
}

TEST(timecode, is_read_back) {
  for (const auto& name : frame_rate_names()) {
    const auto one = rate(name);
    for (std::uint64_t frame = 0; frame < one.counted * 60 * 25; ++frame) {
      ASSERT_EQ(parse_timecode(timecode(frame, one), one), frame) << name << " " << frame;
    }
  }
}

TEST(timecode, that_is_none) {
  for (const auto* text : {"", "01:00:00", "01:00:00:25", "24:00:00:00", "00:60:00:00",
                           "00:00:60:00", "1:00:00:000", "00:00:00;00", "-1:00:00:00"}) {
    EXPECT_FALSE(parse_timecode(text, rate("25"))) << text;
  }
  EXPECT_FALSE(parse_timecode("00:01:00;01", rate("29.97"))) << "it is left away";
  EXPECT_FALSE(parse_timecode("00:01:00;03", rate("59.94")));
  EXPECT_EQ(parse_timecode("00:10:00;01", rate("29.97")), 17'983U);
}

// A player tells where a frame begins to the millisecond, rounded this way or that.
TEST(timecode, a_time_is_the_frame_that_is_shown) {
  for (const auto& name : frame_rate_names()) {
    const auto one = rate(name);
    for (std::uint64_t frame = 0; frame < 20'000; ++frame) {
      const auto begins_us = frame * one.seconds * 1'000'000 / one.frames;
      ASSERT_EQ(frame_at(begins_us / 1000, one), frame) << name;
      ASSERT_EQ(frame_at((begins_us + 500) / 1000, one), frame) << name;
    }
  }
}

TEST(timecode, a_measured_rate_is_one_that_has_a_name) {
  EXPECT_EQ(frame_rate_near(25.0), rate("25"));
  EXPECT_EQ(frame_rate_near(29.97), rate("29.97")) << "drop-frame";
  EXPECT_EQ(frame_rate_near(59.9401), rate("59.94"));
  EXPECT_EQ(frame_rate_near(23.9761), rate("23.976"));
  EXPECT_EQ(frame_rate_near(24.0), rate("24"));
  EXPECT_EQ(frame_rate_near(30 * 1.00039), rate("30"));
  for (const double none : {30 * 1.0005, 0.0, -25.0, 15.0, 120.0, std::nan("")}) {
    EXPECT_FALSE(frame_rate_near(none)) << none;
  }
}

TEST(timecode, rates_that_are_none) {
  for (const auto* text : {"", "23.98", "29.970", "120", "x"}) EXPECT_FALSE(parse_frame_rate(text));
}

}  // namespace
}  // namespace sluice::cli
