#include "cli/exit_code.h"

#include <gtest/gtest.h>

#include <map>

namespace sluice::cli {
namespace {

// The contract of the command line: 0 done; 1 failed; 2 usage; 3 cannot connect; 4 not allowed; 5
// not found; 6 exists or conflict; 7 verification failed; 8 no space or quota; 9 interrupted.
TEST(exit_code, of_every_failure) {
  const std::map<errc, int> table{{errc::invalid_argument, 2},
                                  {errc::end_of_stream, 1},
                                  {errc::broken_stream, 1},
                                  {errc::timed_out, 1},
                                  {errc::cancelled, 9},
                                  {errc::bad_frame, 1},
                                  {errc::frame_too_large, 1},
                                  {errc::unsupported, 1},
                                  {errc::cannot_connect, 3},
                                  {errc::cannot_listen, 1},
                                  {errc::busy, 1},
                                  {errc::not_allowed, 4},
                                  {errc::insecure, 4},
                                  {errc::not_found, 5},
                                  {errc::exists, 6},
                                  {errc::not_empty, 6},
                                  {errc::not_a_file, 6},
                                  {errc::conflict, 6},
                                  {errc::changed, 6},
                                  {errc::bad_digest, 7},
                                  {errc::no_space, 8},
                                  {errc::io, 1},
                                  {errc::internal, 1}};
  for (int code = 0; code <= static_cast<int>(errc::internal); ++code) {
    const auto failure = static_cast<errc>(code);
    ASSERT_TRUE(table.contains(failure)) << to_string(failure);
    EXPECT_EQ(exit_code_of(failure), table.at(failure)) << to_string(failure);
  }
}

TEST(advice, of_an_interruption_is_to_run_it_again) {
  EXPECT_EQ(advice(errc::cancelled), "run it again to resume");
}

TEST(advice, of_what_is_not_secure_is_not_to_say_more_secrets_there) {
  EXPECT_EQ(advice(errc::insecure), "");
}

}  // namespace
}  // namespace sluice::cli
