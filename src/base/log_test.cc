#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice::base {
namespace {

TEST(log, writes_one_escaped_line_to_standard_error) {
  testing::internal::CaptureStderr();
  log_info("peer {} says {}", 7, "x\nforged\x1b[2J");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(line.ends_with(" info peer 7 says x\\x0aforged\\x1b[2J\n")) << line;
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(log, drops_what_is_below_the_level) {
  testing::internal::CaptureStderr();
  set_log_level(log_level::error);
  log_warning("dropped");
  log_error("kept {{}}");
  set_log_level(log_level::off);
  log_error("dropped");
  set_log_level(log_level::info);
  log_debug("dropped");
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(lines.ends_with(" error kept {}\n")) << lines;
  EXPECT_EQ(lines.find("dropped"), std::string::npos);
}

}  // namespace
}  // namespace sluice::base
