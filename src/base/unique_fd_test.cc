#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

namespace sluice::base {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(unique_fd, closes_what_it_owns_once) {
  int raw = -1;
  {
    unique_fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = first.get();
    ASSERT_TRUE(first);
    const unique_fd second = std::move(first);
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(unique_fd, release_gives_it_up) {
  unique_fd owner(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int raw = owner.release();
  EXPECT_FALSE(owner);
  EXPECT_TRUE(owner.close());
  EXPECT_TRUE(is_open(raw));
  ::close(raw);
}

TEST(unique_fd, a_failing_close_is_told) {
  int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  unique_fd owner(raw);
  ::close(raw);
  const auto closed = owner.close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, errc::io);
  EXPECT_FALSE(owner);
}

}  // namespace
}  // namespace sluice::base
