// Reading. The names in the comments are the cases of tokio-util's tests/length_delimited.rs.
#include <algorithm>
#include <cstring>

#include "frame/frame_codec_testing.h"

namespace sluice {
namespace {

using namespace testing;
using texts = std::vector<std::string>;

const std::string nine = "\0\0\0\x09"s + "abcdefghi";
const std::string three = "\0\0\0\x03"s + "123";
const std::string eleven = "\0\0\0\x0b"s + "hello world";

void expect_frames(const frame_options& options, const texts& pieces, const texts& frames) {
  EXPECT_EQ(read_pieces(format_of(options), pieces), (reading{frames, {}, 0}));
}

void expect_failure(const frame_options& options, const texts& pieces, const texts& frames,
                    errc code) {
  EXPECT_EQ(read_pieces(format_of(options), pieces), (reading{frames, code, 0}));
}

// read_empty_io_yields_nothing
TEST(frame_codec_read, empty_stream) {
  expect_frames({}, {}, {});
  expect_frames({}, {""}, {});
}

// read_single_frame_one_packet
TEST(frame_codec_read, one_frame_in_one_read) { expect_frames({}, {nine}, {"abcdefghi"}); }

// read_single_frame_one_packet_little_endian
TEST(frame_codec_read, little_endian) {
  expect_frames({.order = byte_order::little}, {"\x09\0\0\0"s + "abcdefghi"}, {"abcdefghi"});
}

// read_single_frame_one_packet_native_endian
TEST(frame_codec_read, native_endian) {
  const std::uint32_t length = 9;
  std::string wire(4, '\0');
  std::memcpy(wire.data(), &length, 4);
  expect_frames({.order = native_byte_order}, {wire + "abcdefghi"}, {"abcdefghi"});
}

// read_single_multi_frame_one_packet
TEST(frame_codec_read, several_frames_in_one_read) {
  expect_frames({}, {nine + three + eleven}, {"abcdefghi", "123", "hello world"});
}

// read_single_frame_multi_packet
TEST(frame_codec_read, one_frame_over_several_reads) {
  expect_frames({}, {"\0\0"s, "\0\x09"s + "abc", "defghi"}, {"abcdefghi"});
}

// read_multi_frame_multi_packet
TEST(frame_codec_read, several_frames_over_several_reads) {
  expect_frames(
      {},
      {"\0\0"s, "\0\x09"s + "abc", "defghi", "\0\0\0\x03"s + "12", "3\0\0\0\x0b"s + "hello world"},
      {"abcdefghi", "123", "hello world"});
}

// read_single_frame_multi_packet_wait: between two pieces nothing is there, and that is no end.
TEST(frame_codec_read, one_frame_with_pauses) {
  frame_decoder decoder;
  texts frames;
  for (const auto& piece : {"\0\0"s, ""s, "\0\x09"s + "abc", ""s}) {
    EXPECT_EQ(feed(decoder, piece, frames), std::nullopt);
    EXPECT_EQ(frames, texts{});
    EXPECT_FALSE(decoder.between_frames());
  }
  EXPECT_EQ(feed(decoder, "defghi", frames), std::nullopt);
  EXPECT_EQ(feed(decoder, "", frames), std::nullopt);
  EXPECT_EQ(frames, texts{"abcdefghi"});
  EXPECT_TRUE(decoder.between_frames());
  EXPECT_TRUE(decoder.finish());
}

// read_multi_frame_multi_packet_wait
TEST(frame_codec_read, several_frames_with_pauses) {
  expect_frames({},
                {"\0\0"s, "", "\0\x09"s + "abc", "", "defghi", "", "\0\0\0\x03"s + "12", "",
                 "3\0\0\0\x0b"s + "hello world", ""},
                {"abcdefghi", "123", "hello world"});
}

// read_incomplete_head
TEST(frame_codec_read, end_inside_the_head) {
  expect_failure({}, {"\0\0"s}, {}, errc::broken_stream);
}

// read_incomplete_head_multi
TEST(frame_codec_read, end_inside_a_head_in_pieces) {
  expect_failure({}, {"", "\0"s, ""}, {}, errc::broken_stream);
  expect_failure({}, {"\0"s, "\0"s, "\0"s}, {}, errc::broken_stream);
}

// read_incomplete_payload
TEST(frame_codec_read, end_inside_the_payload) {
  expect_failure({}, {"\0\0\0\x09"s + "ab", "", "cd", ""}, {}, errc::broken_stream);
  expect_failure({}, {nine + "\0\0\0\x09"s + "abcdefgh"}, {"abcdefghi"}, errc::broken_stream);
}

// read_incomplete_payload_at_head_boundary
TEST(frame_codec_read, end_right_after_the_head) {
  expect_failure({}, {"\0\0\0\x09"s, ""}, {}, errc::broken_stream);
  expect_failure({}, {"\0\0\0"s, "\x09"}, {}, errc::broken_stream);
}

TEST(frame_codec_read, an_early_end_says_how_far_the_frame_came) {
  frame_decoder decoder;
  texts frames;
  ASSERT_EQ(feed(decoder, "\0\0\0\x09"s + "ab", frames), std::nullopt);
  EXPECT_EQ(decoder.finish().error(),
            (error{errc::broken_stream, "read a frame: the stream ended after 6 of 13 bytes"}));
  frame_decoder in_head;
  ASSERT_EQ(feed(in_head, "\0\0\0"s, frames), std::nullopt);
  EXPECT_EQ(in_head.finish().error().context,
            "read a frame: the stream ended after 3 of 4 bytes of the head");
}

// read_one_byte_length_field
TEST(frame_codec_read, one_byte_length_field) {
  expect_frames({.length_width = 1}, {"\x09" + "abcdefghi"s}, {"abcdefghi"});
}

// read_header_offset
TEST(frame_codec_read, bytes_before_the_length_field) {
  expect_frames({.length_offset = 4, .length_width = 2}, {"zzzz\0\x09"s + "abcdefghi"},
                {"abcdefghi"});
}

// read_single_multi_frame_one_packet_skip_none_adjusted
TEST(frame_codec_read, head_kept) {
  const auto adjustment = adjustment_from_tokio(4, 2, 2, 0);
  EXPECT_EQ(adjustment, 0);
  expect_frames(
      {.length_offset = 2, .length_width = 2, .length_adjustment = adjustment, .strip = 0},
      {"xx\0\x09"s + "abcdefghi" + "yy\0\x03"s + "123" + "zz\0\x0b"s + "hello world"},
      {"xx\0\x09"s + "abcdefghi", "yy\0\x03"s + "123", "zz\0\x0b"s + "hello world"});
}

// read_single_frame_length_adjusted: a fourth byte of head, after a length of three bytes
TEST(frame_codec_read, length_adjusted_and_head_skipped_past) {
  const auto adjustment = adjustment_from_tokio(0, 0, 3, 4);
  EXPECT_EQ(adjustment, 1);
  expect_frames({.length_width = 3, .length_adjustment = adjustment, .strip = 4},
                {"\0\0\x0b\x0c"s + "Hello world"}, {"Hello world"});
}

// read_single_multi_frame_one_packet_length_includes_head
TEST(frame_codec_read, length_includes_the_head) {
  const auto adjustment = adjustment_from_tokio(-2, 0, 2, 2);
  EXPECT_EQ(adjustment, -2);
  expect_frames({.length_width = 2, .length_adjustment = adjustment},
                {"\0\x0b"s + "abcdefghi" + "\0\x05"s + "123" + "\0\x0d"s + "hello world"},
                {"abcdefghi", "123", "hello world"});
}

TEST(frame_codec_read, every_width_in_both_orders) {
  for (std::size_t width = 1; width <= 8; ++width) {
    const std::string zeros(width - 1, '\0');
    const frame_options big{.length_width = width};
    const frame_options little{.length_width = width, .order = byte_order::little};
    expect_frames(big, {zeros + "\x02" + "hi" + zeros + "\x03" + "you"}, {"hi", "you"});
    expect_frames(little, {"\x02" + zeros + "hi" + "\x03" + zeros + "you"}, {"hi", "you"});
  }
}

TEST(frame_codec_read, every_byte_of_a_length_counts) {
  for (std::size_t width = 1; width <= 8; ++width) {
    std::string wire;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      wire.push_back(static_cast<char>(i + 1));
      value = value << 8 | (i + 1);
    }
    frame_options options{.length_width = width, .max_frame_bytes = SIZE_MAX};
    const auto big = format_of(options).parse_head(as_bytes(wire));
    ASSERT_TRUE(big && *big);
    EXPECT_EQ((*big)->payload_bytes(), value);
    options.order = byte_order::little;
    const auto little =
        format_of(options).parse_head(as_bytes(std::string(wire.rbegin(), wire.rend())));
    ASSERT_TRUE(little && *little);
    EXPECT_EQ((*little)->payload_bytes(), value);
  }
}

TEST(frame_codec_read, zero_length_frames) {
  expect_frames({}, {"\0\0\0\0\0\0\0\0"s + three + "\0\0\0\0"s}, {"", "", "123", ""});
  expect_frames({}, {"\0\0"s, "\0\0"s}, {""});
  expect_frames({.length_width = 1}, {"\0"s}, {""});
}

TEST(frame_codec_read, a_whole_frame_is_a_view_of_the_input) {
  frame_decoder decoder;
  auto input = as_bytes(nine);
  const auto frame = decoder.next(input);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->data(), as_bytes(nine).data() + 4);
  EXPECT_EQ(decoder.memory_bytes(), 0u);
}

TEST(frame_codec_read, a_frame_in_pieces_outlives_the_input_until_the_next_call) {
  frame_decoder decoder;
  std::string head = nine.substr(0, 7), rest = nine.substr(7) + three;
  auto input = as_bytes(head);
  ASSERT_FALSE(decoder.next(input).value());
  input = as_bytes(rest);
  const auto frame = decoder.next(input);
  ASSERT_TRUE(frame && *frame);
  std::fill(head.begin(), head.end(), '#');
  EXPECT_TRUE(decoder.between_frames());
  EXPECT_TRUE(decoder.finish()) << "a frame in the caller's hands is no frame under way";
  EXPECT_EQ(as_text(**frame), "abcdefghi");
  EXPECT_EQ(as_text(input), three) << "what follows is left in the input";
}

TEST(frame_codec_read, a_finished_stream_may_be_followed_by_another) {
  frame_decoder decoder;
  texts frames;
  EXPECT_EQ(feed(decoder, three, frames), std::nullopt);
  EXPECT_TRUE(decoder.finish());
  EXPECT_EQ(feed(decoder, nine, frames), std::nullopt);
  EXPECT_EQ(frames, (texts{"123", "abcdefghi"}));
}

TEST(frame_codec_read, parse_head_asks_for_the_whole_head_and_no_more) {
  const auto format = format_of({.length_offset = 1, .length_width = 2, .strip = 1});
  EXPECT_EQ(format.parse_head(as_bytes("x\0"s)).value(), std::nullopt);
  EXPECT_EQ(format.parse_head(as_bytes("x\0\x05"s)).value(), (frame_extent{3, 8, 1, false}));
  EXPECT_EQ(format.parse_head(as_bytes("x\0\x05hello, and more"s)).value()->payload_bytes(), 5u);
}

}  // namespace
}  // namespace sluice
