// Configurations: those that work, and those that are refused when they are made.
#include <limits>

#include "frame/frame_codec_testing.h"

namespace sluice {
namespace {

using namespace testing;

constexpr auto least = std::numeric_limits<std::int64_t>::min();
constexpr auto most = std::numeric_limits<std::int64_t>::max();

std::string refusal(const frame_options& options) {
  const auto format = frame_format::make(options);
  if (format) return "accepted";
  EXPECT_EQ(format.error().code, errc::invalid_argument);
  return format.error().context;
}

TEST(frame_codec_format, defaults) {
  const frame_format format;
  EXPECT_EQ(format.head_size(), 4u);
  EXPECT_EQ(format.strip_bytes(), 4u);
  EXPECT_EQ(format.min_frame_bytes(), 4u);
  EXPECT_EQ(format.max_frame_bytes(), 8u << 20);
  EXPECT_EQ(format.options().oversized, oversize::fail);
}

TEST(frame_codec_format, widths_1_to_8_and_no_other) {
  EXPECT_EQ(refusal({.length_width = 0}),
            "configure the frame format: a length field of 0 bytes, 1 to 8 are possible");
  EXPECT_EQ(refusal({.length_width = 9}),
            "configure the frame format: a length field of 9 bytes, 1 to 8 are possible");
  EXPECT_NE(refusal({.length_width = SIZE_MAX}), "accepted");
  for (std::size_t width = 1; width <= 8; ++width)
    EXPECT_EQ(refusal({.length_width = width}), "accepted");
}

TEST(frame_codec_format, a_maximum_below_the_head) {
  EXPECT_EQ(refusal({.length_offset = 2, .max_frame_bytes = 5}),
            "configure the frame format: a maximum of 5 bytes is below the head of 2 bytes and a "
            "length field of 4 bytes");
  EXPECT_EQ(refusal({.length_offset = 2, .max_frame_bytes = 6}), "accepted");
  EXPECT_NE(refusal({.max_frame_bytes = 0}), "accepted");
  EXPECT_NE(refusal({.length_offset = SIZE_MAX}), "accepted");
  EXPECT_NE(refusal({.length_offset = SIZE_MAX - 3, .max_frame_bytes = SIZE_MAX}), "accepted");
}

TEST(frame_codec_format, a_strip_that_no_frame_can_satisfy) {
  EXPECT_EQ(refusal({.strip = 101, .max_frame_bytes = 100}),
            "configure the frame format: no frame has the 101 bytes to strip, the maximum is 100");
  EXPECT_EQ(refusal({.strip = 100, .max_frame_bytes = 100}), "accepted");
  EXPECT_EQ(refusal({.length_width = 1, .strip = 257}),
            "configure the frame format: by the length adjustment a length field of 1 bytes "
            "announces no frame as long as its head or strip, 257 bytes");
  EXPECT_EQ(refusal({.length_width = 1, .strip = 256}), "accepted");
  EXPECT_NE(refusal({.length_width = 8,
                     .length_adjustment = -100,
                     .strip = SIZE_MAX,
                     .max_frame_bytes = SIZE_MAX}),
            "accepted");
}

TEST(frame_codec_format, an_adjustment_that_no_frame_can_satisfy) {
  EXPECT_EQ(refusal({.length_width = 1, .length_adjustment = -255}), "accepted");
  EXPECT_NE(refusal({.length_width = 1, .length_adjustment = -256}), "accepted");
  EXPECT_EQ(refusal({.length_adjustment = 96, .max_frame_bytes = 100}), "accepted");
  EXPECT_EQ(refusal({.length_adjustment = 97, .max_frame_bytes = 100}),
            "configure the frame format: by the length adjustment the shortest frame has 101 "
            "bytes, the maximum is 100");
  EXPECT_NE(refusal({.length_adjustment = least}), "accepted");
  EXPECT_NE(refusal({.length_adjustment = most}), "accepted");
  EXPECT_NE(refusal({.length_adjustment = most, .max_frame_bytes = SIZE_MAX}), "accepted");
  EXPECT_EQ(refusal({.length_offset = std::size_t{1} << 63,
                     .length_adjustment = most,
                     .max_frame_bytes = SIZE_MAX}),
            "configure the frame format: the offset and the length adjustment overflow");
  EXPECT_EQ(refusal({.length_width = 8, .length_adjustment = -most}), "accepted");
  EXPECT_NE(refusal({.length_width = 8, .length_adjustment = least}), "accepted");
}

TEST(frame_codec_format, at_the_edge_of_an_adjustment_one_frame_is_left) {
  const auto format = format_of({.length_width = 1, .length_adjustment = -255});
  EXPECT_EQ(read_pieces(format, {"\xff"}), (reading{{""}, {}, 0}));
  EXPECT_EQ(read_pieces(format, {"\xfe"}), (reading{{}, errc::bad_frame, 0}));
  EXPECT_EQ(write_all(frame_encoder(format), {""}), "\xff");
}

// tokio-util: smaller_frame_len_not_adjusted. What was configured is never changed...
TEST(frame_codec_format, the_maximum_is_kept_as_given) {
  const auto small = format_of({.length_width = 8, .max_frame_bytes = 18});
  EXPECT_EQ(small.options().max_frame_bytes, 18u);
  EXPECT_EQ(small.max_frame_bytes(), 18u);
  const auto wide = format_of({.length_width = 1, .max_frame_bytes = 1000});
  EXPECT_EQ(wide.options().max_frame_bytes, 1000u);
}

// ...frame_does_not_fit, neg_adjusted_, pos_adjusted_frame_does_not_fit: and what the length field
// can announce is told apart from it.
TEST(frame_codec_format, the_maximum_respects_the_length_field) {
  EXPECT_EQ(format_of({.length_width = 1}).max_frame_bytes(), 1u + 255u);
  EXPECT_EQ(format_of({.length_width = 1, .length_adjustment = -1}).max_frame_bytes(), 255u);
  EXPECT_EQ(format_of({.length_width = 1, .length_adjustment = 1}).max_frame_bytes(), 257u);
  EXPECT_EQ(format_of({.length_width = 2}).max_frame_bytes(), 2u + 65535u);
}

// max_allowed_frame_fits, max_allowed_length_field
TEST(frame_codec_format, no_maximum_but_that_of_memory) {
  const auto format = format_of({.length_width = 8, .max_frame_bytes = SIZE_MAX});
  EXPECT_EQ(format.options().max_frame_bytes, SIZE_MAX);
  EXPECT_EQ(format.max_frame_bytes(), static_cast<std::uint64_t>(most) + 8);
  const auto adjusted =
      format_of({.length_width = 8, .length_adjustment = -100, .max_frame_bytes = SIZE_MAX});
  EXPECT_EQ(adjusted.max_frame_bytes(), static_cast<std::uint64_t>(most) + 8 - 100);
}

TEST(frame_codec_format, the_shortest_frame) {
  EXPECT_EQ(format_of({.length_adjustment = 10}).min_frame_bytes(), 14u);
  EXPECT_EQ(format_of({.length_adjustment = -10}).min_frame_bytes(), 4u);
  EXPECT_EQ(format_of({.strip = 9}).min_frame_bytes(), 9u);
}

TEST(frame_codec_format, conversion_from_tokio) {
  static_assert(adjustment_from_tokio(0, 0, 4, 4) == 0);
  static_assert(adjustment_from_tokio(-4, 0, 4, 4) == -4);
  static_assert(adjustment_from_tokio(0, 3, 2, 0) == -5);
  static_assert(adjustment_from_tokio(7, 1, 2, 10) == 14);
  // tokio-util: offset 1, width 2, adjustment 7, skip 10: value 1 is a frame of 8 after 10 bytes
  const auto format = format_of({.length_offset = 1,
                                 .length_width = 2,
                                 .length_adjustment = adjustment_from_tokio(7, 1, 2, 10),
                                 .strip = 10});
  EXPECT_EQ(read_pieces(format, {"-\0\x01-------12345678"s}), (reading{{"12345678"}, {}, 0}));
}

}  // namespace
}  // namespace sluice
