// Limits, refused heads, discarded frames, memory. The names in the comments are the cases of
// tokio-util's tests/length_delimited.rs and of Netty's LengthFieldBasedFrameDecoderTest.
#include <deque>
#include <limits>

#include "frame/frame_codec_testing.h"

namespace sluice {
namespace {

using namespace testing;
using texts = std::vector<std::string>;

const std::string nine = "\0\0\0\x09"s + "abcdefghi";

// read_max_frame_len
TEST(frame_codec_limit, frame_over_the_maximum) {
  EXPECT_EQ(read_pieces(format_of({.max_frame_bytes = 4 + 5}), {nine}),
            (reading{{}, errc::frame_too_large, 0}));
}

TEST(frame_codec_limit, exactly_the_maximum_passes_and_one_more_does_not) {
  EXPECT_EQ(read_pieces(format_of({.max_frame_bytes = 13}), {nine}),
            (reading{{"abcdefghi"}, {}, 0}));
  EXPECT_EQ(read_pieces(format_of({.max_frame_bytes = 12}), {nine}),
            (reading{{}, errc::frame_too_large, 0}));
  // the default, 8 MiB
  const std::string largest = "\0\x7f\xff\xfc"s, over = "\0\x7f\xff\xfd"s;
  EXPECT_EQ(frame_format().parse_head(as_bytes(largest)).value()->frame_bytes, 8u << 20);
  EXPECT_EQ(failure_of(frame_format().parse_head(as_bytes(over))), errc::frame_too_large);
}

TEST(frame_codec_limit, the_error_names_the_length_and_the_maximum) {
  const auto format = format_of({.max_frame_bytes = 12});
  EXPECT_EQ(
      format.parse_head(as_bytes(nine)).error(),
      (error{errc::frame_too_large,
             "read a frame head: the length field says 9, a frame of 13 bytes; the maximum is "
             "12"}));
}

// read_update_max_frame_len_at_rest
TEST(frame_codec_limit, maximum_lowered_at_rest) {
  frame_decoder decoder;
  texts frames;
  EXPECT_EQ(feed(decoder, nine, frames), std::nullopt);
  ASSERT_TRUE(decoder.set_max_frame_bytes(4 + 5));
  EXPECT_EQ(feed(decoder, nine, frames), errc::frame_too_large);
  EXPECT_EQ(frames, texts{"abcdefghi"});
}

// read_update_max_frame_len_in_flight
TEST(frame_codec_limit, maximum_lowered_in_flight) {
  frame_decoder decoder;
  texts frames;
  EXPECT_EQ(feed(decoder, "\0\0\0\x09"s + "abcd", frames), std::nullopt);
  ASSERT_TRUE(decoder.set_max_frame_bytes(4 + 5));
  EXPECT_EQ(feed(decoder, "efghi", frames), std::nullopt);
  EXPECT_EQ(frames, texts{"abcdefghi"});
  EXPECT_EQ(feed(decoder, nine, frames), errc::frame_too_large);
}

// A frame has started when its head is whole, not before.
TEST(frame_codec_limit, maximum_lowered_inside_a_head_applies_to_it) {
  frame_decoder decoder;
  texts frames;
  EXPECT_EQ(feed(decoder, "\0\0\0"s, frames), std::nullopt);
  ASSERT_TRUE(decoder.set_max_frame_bytes(4 + 5));
  EXPECT_EQ(feed(decoder, "\x09", frames), errc::frame_too_large);
}

TEST(frame_codec_limit, maximum_raised) {
  frame_decoder decoder(format_of({.max_frame_bytes = 12}));
  texts frames;
  ASSERT_TRUE(decoder.set_max_frame_bytes(13));
  EXPECT_EQ(feed(decoder, nine, frames), std::nullopt);
  EXPECT_EQ(frames, texts{"abcdefghi"});
}

TEST(frame_codec_limit, a_maximum_that_cannot_work_changes_nothing) {
  frame_decoder decoder(format_of({.max_frame_bytes = 13}));
  EXPECT_EQ(failure_of(decoder.set_max_frame_bytes(3)), errc::invalid_argument);
  EXPECT_EQ(decoder.format().options().max_frame_bytes, 13u);
}

TEST(frame_codec_limit, adjustment_that_underflows) {
  // the length counts itself, and says that it is shorter than itself
  const auto own = format_of({.length_adjustment = -4});
  EXPECT_EQ(read_pieces(own, {"\0\0\0\x03"s}), (reading{{}, errc::bad_frame, 0}));
  EXPECT_EQ(read_pieces(own, {"\0\0\0\0"s}), (reading{{}, errc::bad_frame, 0}));
  EXPECT_EQ(read_pieces(own, {"\0\0\0\x04"s}), (reading{{""}, {}, 0}));
  // the same where the head is kept: what is cut does not decide what is a frame
  const auto kept = format_of({.length_adjustment = -4, .strip = 0});
  EXPECT_EQ(read_pieces(kept, {"\0\0\0\x03"s + "12345678"}), (reading{{}, errc::bad_frame, 0}));
  // far below nothing
  const auto far = format_of({.length_adjustment = -1000});
  EXPECT_EQ(read_pieces(far, {"\0\0\x03\xe7"s}), (reading{{}, errc::bad_frame, 0}));
  EXPECT_EQ(read_pieces(far, {"\0\0\x03\xe9"s + "x"}), (reading{{"x"}, {}, 0}));
}

TEST(frame_codec_limit, adjustment_that_overflows) {
  const auto format = format_of({.length_width = 8, .length_adjustment = 1000});
  EXPECT_EQ(read_pieces(format, {"\x7f\xff\xff\xff\xff\xff\xff\xff"s}),
            (reading{{}, errc::frame_too_large, 0}));
  EXPECT_EQ(read_pieces(format, {"\xff\xff\xff\xff\xff\xff\xff\xff"s + std::string(999, 'x')}),
            (reading{{}, errc::bad_frame, 0}))
      << "-1 and 1000 are no frame of 999";
}

TEST(frame_codec_limit, width_8_with_the_top_bit_set) {
  for (const auto mode : {oversize::fail, oversize::discard}) {
    const auto format =
        format_of({.length_width = 8, .max_frame_bytes = SIZE_MAX, .oversized = mode});
    EXPECT_EQ(read_pieces(format, {"\x80\0\0\0\0\0\0\0"s}), (reading{{}, errc::bad_frame, 0}));
    EXPECT_EQ(read_pieces(format, {"\x80\0\0\0"s, "\0\0\0\0"s}), (reading{{}, errc::bad_frame, 0}));
    EXPECT_EQ(format.parse_head(as_bytes("\x7f\xff\xff\xff\xff\xff\xff\xff"s)).value()->frame_bytes,
              (std::uint64_t{1} << 63) + 7);
  }
}

TEST(frame_codec_limit, frame_shorter_than_the_strip) {
  const auto format = format_of({.length_width = 1, .strip = 3});
  EXPECT_EQ(read_pieces(format, {"\x02"
                                 "ab"}),
            (reading{{""}, {}, 0}));
  EXPECT_EQ(read_pieces(format, {"\x01"
                                 "a"}),
            (reading{{}, errc::bad_frame, 0}));
}

// After an error: the refused head is taken, then the same error each time, and nothing is taken.
TEST(frame_codec_limit, after_an_error_the_decoder_is_finished) {
  for (const std::size_t split : {0u, 1u, 3u, 4u}) {
    frame_decoder decoder(format_of({.max_frame_bytes = 12}));
    texts frames;
    EXPECT_EQ(feed(decoder, "\0\0\0\x01z"s + nine.substr(0, split), frames),
              split == 4 ? std::optional(errc::frame_too_large) : std::nullopt);
    const std::string rest = nine.substr(split) + "\0\0\0\x01y"s;
    auto input = as_bytes(rest);
    const auto first = decoder.next(input);
    ASSERT_FALSE(first);
    EXPECT_EQ(as_text(input), rest.substr(4 - split));
    ASSERT_TRUE(decoder.set_max_frame_bytes(1000)) << "no way back";
    const auto again = decoder.next(input);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), first.error());
    EXPECT_EQ(as_text(input), rest.substr(4 - split));
    EXPECT_EQ(decoder.finish().error(), first.error());
    EXPECT_FALSE(decoder.between_frames());
    EXPECT_EQ(frames, texts{"z"});
  }
}

TEST(frame_codec_limit, after_an_early_end_the_decoder_is_finished) {
  frame_decoder decoder;
  texts frames;
  ASSERT_EQ(feed(decoder, nine.substr(0, 7), frames), std::nullopt);
  const auto ended = decoder.finish();
  EXPECT_EQ(failure_of(ended), errc::broken_stream);
  auto input = as_bytes(nine);
  EXPECT_EQ(decoder.next(input).error(), ended.error());
  EXPECT_EQ(decoder.finish().error(), ended.error());
}

// testDiscardTooLongFrame1
TEST(frame_codec_limit, discarding_keeps_the_good_frame_behind) {
  const auto format = format_of({.max_frame_bytes = 16, .oversized = oversize::discard});
  const std::string wire = "\0\0\0\x20"s + std::string(32, 'x') + "\0\0\0\x01"s + "a";
  EXPECT_EQ(read_pieces(format, {wire}), (reading{{"a"}, {}, 1}));
}

// testDiscardTooLongFrame2
TEST(frame_codec_limit, discarding_over_two_reads) {
  const auto format = format_of({.max_frame_bytes = 16, .oversized = oversize::discard});
  const std::string wire = "\0\0\0\x20"s + std::string(32, 'x') + "\0\0\0\x01"s + "a";
  EXPECT_EQ(read_pieces(format, {wire.substr(0, 14), wire.substr(14)}), (reading{{"a"}, {}, 1}));
}

// testFailFastTooLongFrameRecovery: what fail-fast raises, the counter tells, at the head.
TEST(frame_codec_limit, a_discarded_frame_is_counted_at_its_head_twice) {
  frame_decoder decoder(format_of({.max_frame_bytes = 5, .oversized = oversize::discard}));
  texts frames;
  for (unsigned i = 1; i <= 2; ++i) {
    EXPECT_EQ(feed(decoder, "\0\0\0\x02"s, frames), std::nullopt);
    EXPECT_EQ(decoder.discarded_frames(), i);
    EXPECT_TRUE(decoder.discarding());
    EXPECT_FALSE(decoder.between_frames());
    EXPECT_EQ(feed(decoder, "\0\0\0\0\0\x01"s + "A", frames), std::nullopt);
    EXPECT_FALSE(decoder.discarding());
    EXPECT_EQ(frames, texts(i, "A"));
  }
}

// testFailSlowTooLongFrameRecovery: what fail-slow raises after the body, `discarding` tells.
TEST(frame_codec_limit, the_end_of_a_discarded_frame_shows_twice) {
  frame_decoder decoder(format_of({.max_frame_bytes = 5, .oversized = oversize::discard}));
  texts frames;
  for (unsigned i = 1; i <= 2; ++i) {
    EXPECT_EQ(feed(decoder, "\0\0\0\x02\0"s, frames), std::nullopt);
    EXPECT_TRUE(decoder.discarding());
    EXPECT_EQ(feed(decoder, "\0"s, frames), std::nullopt);
    EXPECT_FALSE(decoder.discarding());
    EXPECT_EQ(decoder.discarded_frames(), i);
    EXPECT_EQ(feed(decoder, "\0\0\0\x01"s + "A", frames), std::nullopt);
    EXPECT_EQ(frames, texts(i, "A"));
  }
}

TEST(frame_codec_limit, oversized_frame_that_ends_exactly_at_the_end_of_the_buffer) {
  frame_decoder decoder(format_of({.max_frame_bytes = 12, .oversized = oversize::discard}));
  texts frames;
  EXPECT_EQ(feed(decoder, nine, frames), std::nullopt);
  EXPECT_TRUE(decoder.between_frames());
  EXPECT_TRUE(decoder.finish());
  EXPECT_EQ(feed(decoder, nine + "\0\0\0\x01z"s, frames), std::nullopt);
  EXPECT_EQ(frames, texts{"z"});
  EXPECT_EQ(decoder.discarded_frames(), 2u);
  EXPECT_EQ(decoder.memory_bytes(), 0u);
}

TEST(frame_codec_limit, end_inside_a_discarded_frame) {
  EXPECT_EQ(read_pieces(format_of({.max_frame_bytes = 12, .oversized = oversize::discard}),
                        {nine.substr(0, 12)}),
            (reading{{}, errc::broken_stream, 1}));
}

TEST(frame_codec_limit, discarding_does_not_excuse_a_bad_head) {
  EXPECT_EQ(read_pieces(format_of({.length_adjustment = -4,
                                   .max_frame_bytes = 12,
                                   .oversized = oversize::discard}),
                        {"\0\0\0\x03"s}),
            (reading{{}, errc::bad_frame, 0}));
}

TEST(frame_codec_limit, parse_head_marks_what_is_to_be_discarded) {
  const auto format = format_of({.max_frame_bytes = 12, .oversized = oversize::discard});
  EXPECT_EQ(format.parse_head(as_bytes(nine)).value(), (frame_extent{4, 13, 4, true}));
}

// Heads that announce 8 MiB each: a thousand connections cost what they sent, not 8 GiB.
TEST(frame_codec_limit, a_flood_of_heads_costs_what_arrived) {
  const std::string head = "\0\x7f\xff\xfc"s;
  std::deque<frame_decoder> decoders(1000);
  std::size_t held = 0;
  texts frames;
  for (auto& decoder : decoders) {
    ASSERT_EQ(feed(decoder, head, frames), std::nullopt);
    ASSERT_EQ(feed(decoder, "x", frames), std::nullopt);
    held += decoder.memory_bytes();
  }
  EXPECT_LE(held, 1000 * 2 * 5u);
}

TEST(frame_codec_limit, a_flood_of_heads_in_pieces_costs_what_arrived) {
  std::deque<frame_decoder> decoders(1000);
  std::size_t held = 0;
  texts frames;
  for (auto& decoder : decoders) {
    ASSERT_EQ(feed(decoder, "\0\x7f"s, frames), std::nullopt);
    ASSERT_EQ(feed(decoder, "\xff\xfcx", frames), std::nullopt);
    held += decoder.memory_bytes();
  }
  EXPECT_LE(held, 1000 * 2 * 5u);
}

TEST(frame_codec_limit, a_finished_decoder_holds_no_memory) {
  frame_decoder decoder(format_of({.max_frame_bytes = 12}));
  texts frames;
  ASSERT_EQ(feed(decoder, "\0\0\0"s, frames), std::nullopt);
  EXPECT_NE(decoder.memory_bytes(), 0u);
  ASSERT_EQ(feed(decoder, "\x09", frames), errc::frame_too_large);
  EXPECT_EQ(decoder.memory_bytes(), 0u);
}

TEST(frame_codec_limit, memory_follows_the_bytes_that_arrived) {
  frame_decoder decoder(format_of({.max_frame_bytes = std::size_t{4} << 30}));
  texts frames;
  ASSERT_EQ(feed(decoder, "\xff\xff\xff\xf0"s, frames), std::nullopt);
  const std::string piece(1000, 'x');
  for (std::size_t arrived = 4 + piece.size(); arrived < 1'000'000; arrived += piece.size()) {
    ASSERT_EQ(feed(decoder, piece, frames), std::nullopt);
    ASSERT_LE(decoder.memory_bytes(), 2 * arrived);
  }
}

TEST(frame_codec_limit, a_discarded_frame_costs_no_memory) {
  frame_decoder decoder(format_of({.oversized = oversize::discard}));
  texts frames;
  ASSERT_EQ(feed(decoder, "\xff\xff\xff\xf0"s, frames), std::nullopt);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(feed(decoder, std::string(10'000, 'x'), frames), std::nullopt);
  EXPECT_TRUE(decoder.discarding());
  EXPECT_EQ(decoder.memory_bytes(), 0u);
}

TEST(frame_codec_limit, frames_in_pieces_use_the_same_memory_again) {
  frame_decoder decoder;
  texts frames;
  ASSERT_EQ(feed(decoder, nine.substr(0, 7), frames), std::nullopt);
  ASSERT_EQ(feed(decoder, nine.substr(7), frames), std::nullopt);
  const auto memory = decoder.memory_bytes();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(feed(decoder, nine.substr(0, 7), frames), std::nullopt);
    ASSERT_EQ(feed(decoder, nine.substr(7), frames), std::nullopt);
  }
  EXPECT_EQ(frames, texts(101, "abcdefghi"));
  EXPECT_EQ(decoder.memory_bytes(), memory);
}

TEST(frame_codec_limit, memory_is_released_between_frames_only) {
  frame_decoder decoder;
  texts frames;
  ASSERT_EQ(feed(decoder, nine.substr(0, 7), frames), std::nullopt);
  decoder.release_memory();
  ASSERT_EQ(feed(decoder, nine.substr(7), frames), std::nullopt);
  EXPECT_EQ(frames, texts{"abcdefghi"});
  decoder.release_memory();
  EXPECT_EQ(decoder.memory_bytes(), 0u);
  ASSERT_EQ(feed(decoder, nine, frames), std::nullopt);
  EXPECT_EQ(frames, texts(2, "abcdefghi"));
}

}  // namespace
}  // namespace sluice
