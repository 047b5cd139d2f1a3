#include "sluice/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace sluice {
namespace {

std::string told(errc code, std::string context) {
  return error{code, std::move(context)}.message();
}

TEST(Error, TellsWhatWasAttemptedAndWhatWentWrong) {
  EXPECT_EQ(told(errc::not_found, "open a.mp4"), "open a.mp4: not found");
  EXPECT_EQ(told(errc::not_found, ""), "not found");
}

TEST(Error, SaysNothingTwice) {
  EXPECT_EQ(fail_errno(EIO, "sync the volume").error().message(),
            "sync the volume: Input/output error");
  EXPECT_EQ(fail_errno(ENOENT, "open a").error().message(), "open a: No such file or directory");
  EXPECT_EQ(fail_errno(EXDEV, "rename a").error().message(), "rename a: Invalid cross-device link");
  EXPECT_EQ(told(errc::not_allowed, "put x: not allowed"), "put x: not allowed");
  EXPECT_EQ(told(errc::not_allowed, "not allowed: x"), "not allowed: x: not allowed");
  EXPECT_EQ(told(errc::io, "r"), "r: input/output error");
  EXPECT_EQ(told(errc::busy, "put x: No space left on device"),
            "put x: No space left on device: busy, try again later");
}

TEST(Error, OfTheSystemHasItsText) {
  const auto full = fail_errno(ENOSPC, "write a.mp4").error();
  EXPECT_EQ(full.code, errc::no_space);
  EXPECT_EQ(full.message(), "write a.mp4: No space left on device");
}

}  // namespace
}  // namespace sluice
