#include "http/jpeg.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::http {
namespace {

using bytes = std::vector<std::byte>;

bytes of(std::initializer_list<int> some) {
  bytes made;
  for (const int each : some) made.push_back(static_cast<std::byte>(each));
  return made;
}

// SOI, APP0 of two bytes, SOF0 of 300 times 200 with one component, EOI.
const bytes small = of({0xFF, 0xD8, 0xFF, 0xE0, 0,  4, 1, 2,    0xFF, 0xC0, 0,   11,
                        8,    0,    200,  1,    44, 1, 1, 0x11, 0,    0xFF, 0xD9});

TEST(Jpeg, TellsItsSize) { EXPECT_EQ(size_of_jpeg(small), (picture_size{300, 200})); }

TEST(Jpeg, IsNoneWithoutBeginningOrEnd) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, small.size() - 1}) {
    auto broken = small;
    broken[at] = std::byte{0};
    EXPECT_FALSE(size_of_jpeg(broken)) << at;
  }
}

TEST(Jpeg, CutAnywhereItIsNone) {
  for (std::size_t size = 0; size < small.size(); ++size) {
    EXPECT_FALSE(size_of_jpeg(std::span(small).first(size))) << size;
  }
}

TEST(Jpeg, ASegmentThatLeadsNowhereIsNone) {
  auto endless = small;
  endless[5] = std::byte{0};  // of a length of nothing
  EXPECT_FALSE(size_of_jpeg(endless));
  auto beyond = small;
  beyond[4] = std::byte{0xFF};
  EXPECT_FALSE(size_of_jpeg(beyond));
}

TEST(Jpeg, WithoutAFrameItIsNone) {
  EXPECT_FALSE(size_of_jpeg(of({0xFF, 0xD8, 0xFF, 0xD9})));
  EXPECT_FALSE(size_of_jpeg(
      of({0xFF, 0xD8, 0xFF, 0xC4, 0, 2, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9})));
}

}  // namespace
}  // namespace sluice::http
