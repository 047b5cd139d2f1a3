#include "cli/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;
using client::phase;
using testing::HasSubstr;
using testing::Not;

class progress_text : public testing::Test {
 protected:
  progress_text() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
  client::progress half_{phase::sending, "film.mov", 1'200'000'000, 2'700'000'000, 0, 1};
};

TEST_F(progress_text, says_phase_percent_bytes_speed_time_left_and_path) {
  EXPECT_EQ(progress_line(half_, 110e6, 3s, 120),
            "sending 44%  1.2 GB of 2.7 GB  110.0 MB/s  14 s left  film.mov");
}

TEST_F(progress_text, every_phase_has_its_name) {
  for (const auto now : {phase::connecting, phase::comparing, phase::sending, phase::receiving,
                         phase::syncing, phase::verifying}) {
    client::progress snapshot;
    snapshot.now = now;
    EXPECT_THAT(progress_line(snapshot, std::nullopt, 2s, 80),
                HasSubstr(std::string(to_string(now))));
  }
}

TEST_F(progress_text, shows_the_time_where_nothing_else_moves) {
  client::progress snapshot;
  EXPECT_EQ(progress_line(snapshot, std::nullopt, 12s, 80), "connecting  12 s");
  EXPECT_THAT(progress_line(half_, 0.0, 12s, 80), HasSubstr("0 B/s  12 s"));
}

TEST_F(progress_text, is_never_wider_than_the_terminal) {
  half_.path = "电影/第 1 集/一个很长的名字 with a tail.mp4";
  half_.files_total = 12;
  for (std::size_t columns = 1; columns < 140; ++columns) {
    EXPECT_LE(display_width(progress_line(half_, 110e6, 3s, columns)), columns) << columns;
  }
  EXPECT_THAT(progress_line(half_, 110e6, 3s, 40), HasSubstr("44%"));
}

TEST_F(progress_text, says_100_percent_only_when_all_is_done) {
  half_.bytes_done = *half_.bytes_total - 1;
  EXPECT_THAT(progress_line(half_, 1e6, 3s, 120), HasSubstr("99%"));
  half_.bytes_done += 1;
  EXPECT_THAT(progress_line(half_, 1e6, 3s, 120), HasSubstr("100%"));
}

TEST_F(progress_text, without_a_total_it_tells_no_percentage_and_no_end) {
  half_.bytes_total.reset();
  const auto line = progress_line(half_, 110e6, 3s, 120);
  EXPECT_THAT(line, Not(HasSubstr("%")));
  EXPECT_THAT(line, Not(HasSubstr("left")));
  EXPECT_THAT(line, HasSubstr("1.2 GB"));
}

TEST_F(progress_text, escapes_a_hostile_name) {
  half_.path = "a\x1b]0;owned\x07\u202Eb";
  const auto line = progress_line(half_, 110e6, 3s, 200);
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  EXPECT_THAT(line, HasSubstr("a\\x1b]0;owned\\x07\\xe2\\x80\\xaeb"));
}

TEST_F(progress_text, width_counts_cells) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("电影"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
}

TEST_F(progress_text, shortening_keeps_front_and_end) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcdefghij", 9), "abc...hij");
  EXPECT_EQ(shortened("abcdefghij", 2), "..");
  EXPECT_LE(display_width(shortened("电影电影电影", 8)), 8u);
}

TEST(speed_meter, is_the_rate_of_the_last_seconds) {
  speed_meter meter;
  const time_point start{};
  EXPECT_FALSE(meter.bytes_per_second(start));
  for (int i = 0; i <= 100; ++i) {
    // 10 MB/s for 5 s, then 1 MB/s for 5 s.
    const std::uint64_t bytes =
        i <= 50 ? std::uint64_t(i) * 1'000'000 : 50'000'000 + std::uint64_t(i - 50) * 100'000;
    meter.add(phase::sending, bytes, start + i * 100ms);
    if (i == 50) {
      EXPECT_NEAR(*meter.bytes_per_second(start + 5s), 10e6, 1e5);
    }
  }
  EXPECT_NEAR(*meter.bytes_per_second(start + 10s), 1e6, 3e5);
}

TEST(speed_meter, falls_while_nothing_moves) {
  speed_meter meter;
  const time_point start{};
  meter.add(phase::sending, 0, start);
  meter.add(phase::sending, 1'000'000, start + 1s);
  for (int i = 0; i < 100; ++i) meter.add(phase::sending, 1'000'000, start + 1s + i * 100ms);
  EXPECT_LT(*meter.bytes_per_second(start + 11s), 1);
}

TEST(speed_meter, begins_anew_with_a_phase) {
  speed_meter meter;
  const time_point start{};
  meter.add(phase::comparing, 0, start);
  meter.add(phase::comparing, 500, start + 1s);
  meter.add(phase::sending, 500, start + 2s);
  EXPECT_FALSE(meter.bytes_per_second(start + 2s));
  meter.add(phase::sending, 1500, start + 3s);
  EXPECT_DOUBLE_EQ(*meter.bytes_per_second(start + 3s), 1000);
  meter.add(phase::sending, 10, start + 4s);
  EXPECT_FALSE(meter.bytes_per_second(start + 4s)) << "the count went back";
}

}  // namespace
}  // namespace sluice::cli
