#include "cli/qr_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice::cli {
namespace {

TEST(qr_code, is_a_square_with_light_around_it) {
  const auto picture = qr_code("http://127.0.0.1:8080/#key=sluice_" + std::string(43, 'A'));
  ASSERT_FALSE(picture.empty());
  const auto lines = std::ranges::count(picture, '\n');
  EXPECT_GE(lines, 15);
  EXPECT_LE(lines, 30) << "it fits a terminal";
  const auto first = picture.substr(0, picture.find('\n'));
  EXPECT_EQ(first.find(' ', 8), std::string::npos) << "nothing dark in the first line";
}

TEST(qr_code, of_what_is_too_long_there_is_none) {
  EXPECT_EQ(qr_code(std::string(10'000, 'x')), "");
}

}  // namespace
}  // namespace sluice::cli
