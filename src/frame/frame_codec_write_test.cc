// Writing. The names in the comments are the cases of tokio-util's tests/length_delimited.rs and of
// Netty's LengthFieldPrependerTest. What those test about the sink itself
// (write_nothing_yields_nothing, write_single_frame_would_block, write_zero) is tested with the
// framed stream (stream_write_test.cc, and write_zero in tests/examples/test_talk.py): this codec
// writes to memory alone.
#include <array>

#include "frame/frame_codec_testing.h"

namespace sluice {
namespace {

using namespace testing;

std::string written(const frame_options& options, const std::vector<std::string>& contents) {
  return write_all(frame_encoder(format_of(options)), contents);
}

// Expects that `content` is refused, and that what was in the output before stays as it was.
void expect_refused(const frame_encoder& encoder, const std::string& content, errc code) {
  std::vector<std::byte> out(as_bytes("before").begin(), as_bytes("before").end());
  const auto done = encoder.encode(as_bytes(content), out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, code) << done.error().message();
  EXPECT_EQ(as_text(out), "before");
}

TEST(frame_codec_write, an_empty_frame_is_its_head) {
  EXPECT_EQ(written({}, {"", ""}), "\0\0\0\0\0\0\0\0"s);
}

// write_single_frame_one_packet; Netty: testPrependLength
TEST(frame_codec_write, one_frame) {
  EXPECT_EQ(written({}, {"abcdefghi"}), "\0\0\0\x09"s + "abcdefghi");
  EXPECT_EQ(written({}, {"A"}), "\0\0\0\x01"s + "A");
}

// write_single_frame_from_slice
TEST(frame_codec_write, one_frame_from_a_part_of_the_callers_memory) {
  const std::string memory = "..abcdefghi..";
  std::vector<std::byte> out;
  ASSERT_TRUE(frame_encoder().encode(as_bytes(memory).subspan(2, 9), out));
  EXPECT_EQ(as_text(out), "\0\0\0\x09"s + "abcdefghi");
}

// write_single_frame_length_adjusted
TEST(frame_codec_write, adjusted) {
  EXPECT_EQ(written({.length_adjustment = adjustment_from_tokio(-2, 0, 4, 4)}, {"abcdefghi"}),
            "\0\0\0\x0b"s + "abcdefghi");
}

// write_single_multi_frame_one_packet
TEST(frame_codec_write, several_frames_into_one_buffer) {
  EXPECT_EQ(written({}, {"abcdefghi", "123", "hello world"}),
            "\0\0\0\x09"s + "abcdefghi" + "\0\0\0\x03"s + "123" + "\0\0\0\x0b"s + "hello world");
}

// write_single_multi_frame_multi_packet
TEST(frame_codec_write, several_frames_with_the_buffer_emptied_between) {
  frame_encoder encoder;
  std::vector<std::byte> out;
  for (const auto& [content, wire] : {std::pair{"abcdefghi"s, "\0\0\0\x09"s + "abcdefghi"},
                                      std::pair{"123"s, "\0\0\0\x03"s + "123"},
                                      std::pair{"hello world"s, "\0\0\0\x0b"s + "hello world"}}) {
    ASSERT_TRUE(encoder.encode(as_bytes(content), out));
    EXPECT_EQ(as_text(out), wire);
    out.clear();
  }
}

// write_single_frame_little_endian; Netty: testPrependLengthInLittleEndian
TEST(frame_codec_write, little_endian) {
  EXPECT_EQ(written({.order = byte_order::little}, {"abcdefghi"}), "\x09\0\0\0"s + "abcdefghi");
  EXPECT_EQ(written({.order = byte_order::little}, {"A"}), "\x01\0\0\0"s + "A");
}

// write_single_frame_with_short_length_field
TEST(frame_codec_write, short_length_field) {
  EXPECT_EQ(written({.length_width = 1}, {"abcdefghi"}), "\x09" + "abcdefghi"s);
}

TEST(frame_codec_write, every_width_in_both_orders) {
  for (std::size_t width = 1; width <= 8; ++width) {
    const std::string zeros(width - 1, '\0');
    EXPECT_EQ(written({.length_width = width}, {"hi"}), zeros + "\x02" + "hi");
    EXPECT_EQ(written({.length_width = width, .order = byte_order::little}, {"hi"}),
              "\x02" + zeros + "hi");
  }
}

TEST(frame_codec_write, every_byte_of_a_length_counts) {
  std::array<std::byte, 3> head{};
  frame_options options{.length_width = 3, .max_frame_bytes = SIZE_MAX};
  ASSERT_EQ(frame_encoder(format_of(options)).encode_head(0x010203, head), 3u);
  EXPECT_EQ(as_text(head), "\x01\x02\x03");
  options.order = byte_order::little;
  ASSERT_EQ(frame_encoder(format_of(options)).encode_head(0x010203, head), 3u);
  EXPECT_EQ(as_text(head), "\x03\x02\x01");
}

// Netty: testPrependLengthIncludesLengthFieldLength
TEST(frame_codec_write, length_includes_its_own_field) {
  EXPECT_EQ(written({.length_adjustment = -4}, {"A"}), "\0\0\0\x05"s + "A");
}

// Netty: testPrependAdjustedLength. The prepender's adjustment has the opposite sign.
TEST(frame_codec_write, adjusted_to_zero) {
  EXPECT_EQ(written({.length_adjustment = 1}, {"A"}), "\0\0\0\0"s + "A");
}

// Netty: testAdjustedLengthLessThanZero
TEST(frame_codec_write, adjusted_below_zero) {
  expect_refused(frame_encoder(format_of({.length_adjustment = 2})), "A", errc::invalid_argument);
}

// tokio's encoder ignores the offset; here both directions honour it.
TEST(frame_codec_write, bytes_before_the_length_field_are_the_front_of_the_content) {
  const frame_options options{.length_offset = 3, .length_width = 2};
  EXPECT_EQ(written(options, {"ABChello", "DEF"}), "ABC\0\x05hello"s + "DEF\0\0"s);
  expect_refused(frame_encoder(format_of(options)), "AB", errc::invalid_argument);
}

TEST(frame_codec_write, a_frame_shorter_than_the_strip_is_refused) {
  frame_encoder encoder(format_of({.length_width = 1, .strip = 3}));
  expect_refused(encoder, "a", errc::invalid_argument);
  EXPECT_EQ(write_all(encoder, {"ab"}),
            "\x02"
            "ab");
}

// write_max_frame_len
TEST(frame_codec_write, maximum) {
  frame_encoder encoder(format_of({.max_frame_bytes = 4 + 5}));
  expect_refused(encoder, "abcdef", errc::frame_too_large);
  EXPECT_EQ(write_all(encoder, {"abcde"}), "\0\0\0\x05"s + "abcde");
}

// write_update_max_frame_len_at_rest
TEST(frame_codec_write, maximum_lowered_at_rest) {
  frame_encoder encoder;
  EXPECT_EQ(write_all(encoder, {"abcdef"}), "\0\0\0\x06"s + "abcdef");
  ASSERT_TRUE(encoder.set_max_frame_bytes(4 + 5));
  expect_refused(encoder, "abcdef", errc::frame_too_large);
}

// write_update_max_frame_len_in_flight: what is encoded stays whole, however late it is sent.
TEST(frame_codec_write, maximum_lowered_in_flight) {
  frame_encoder encoder;
  std::vector<std::byte> out;
  ASSERT_TRUE(encoder.encode(as_bytes("abcdef"), out));
  out.erase(out.begin(), out.begin() + 6);  // the head and "ab" are sent
  ASSERT_TRUE(encoder.set_max_frame_bytes(4 + 5));
  ASSERT_FALSE(encoder.encode(as_bytes("abcdef"), out));
  EXPECT_EQ(as_text(out), "cdef");
}

TEST(frame_codec_write, a_maximum_that_cannot_work_changes_nothing) {
  frame_encoder encoder;
  EXPECT_EQ(failure_of(encoder.set_max_frame_bytes(3)), errc::invalid_argument);
  EXPECT_EQ(encoder.format().options().max_frame_bytes, frame_options{}.max_frame_bytes);
}

// encode_overflow
TEST(frame_codec_write, a_full_output_buffer_grows) {
  std::vector<std::byte> out;
  out.reserve(1024);
  out.resize(out.capacity(), std::byte{'a'});
  const auto before = out.size();
  ASSERT_TRUE(frame_encoder().encode(as_bytes("hello"), out));
  EXPECT_EQ(as_text(out), std::string(before, 'a') + "\0\0\0\x05"s + "hello");
}

TEST(frame_codec_write, the_output_buffer_grows_by_doubling) {
  std::vector<std::byte> out;
  int moves = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto before = out.capacity();
    ASSERT_TRUE(frame_encoder().encode(as_bytes("hello"), out));
    moves += out.capacity() != before;
  }
  EXPECT_LT(moves, 20);
}

// frame_does_not_fit, neg_adjusted_frame_does_not_fit, pos_adjusted_frame_does_not_fit,
// max_allowed_frame_fits, runtime_max_frame_len_respects_length_field: the largest that fits one
// byte, one more, and that a maximum set later cannot lift what the field can hold
TEST(frame_codec_write, a_frame_that_the_length_field_cannot_hold) {
  for (const auto& [adjustment, most] :
       {std::pair{-1, 254}, std::pair{0, 255}, std::pair{1, 256}}) {
    frame_encoder encoder(format_of({.length_width = 1, .length_adjustment = adjustment}));
    ASSERT_TRUE(encoder.set_max_frame_bytes(1000));
    EXPECT_EQ(encoder.format().max_frame_bytes(), 1u + static_cast<unsigned>(most));
    const std::string largest(static_cast<std::size_t>(most), 'x');
    EXPECT_EQ(write_all(encoder, {largest}), "\xff" + largest);
    expect_refused(encoder, largest + "x", errc::frame_too_large);
  }
}

TEST(frame_codec_write, the_error_says_which_limit_it_was) {
  std::vector<std::byte> out;
  const std::string content(256, 'x');
  EXPECT_EQ(frame_encoder(format_of({.length_width = 1})).encode(as_bytes(content), out).error(),
            (error{errc::frame_too_large,
                   "write a frame: a head of 1 and 256 bytes of payload, more than a length field "
                   "of 1 bytes can hold"}));
  EXPECT_EQ(frame_encoder(format_of({.max_frame_bytes = 99}))
                .encode(as_bytes(content), out)
                .error()
                .context,
            "write a frame: a head of 4 and 256 bytes of payload; the maximum is 99");
}

TEST(frame_codec_write, a_head_alone_leaves_the_bytes_before_the_length_field) {
  frame_encoder encoder(format_of({.length_offset = 2, .length_width = 2}));
  std::array<std::byte, 6> head{};
  head.fill(std::byte{'#'});
  ASSERT_EQ(encoder.encode_head(5, head), 4u);
  EXPECT_EQ(as_text(head), "##\0\x05##"s);
}

TEST(frame_codec_write, a_refused_head_leaves_the_memory_untouched) {
  frame_encoder encoder(format_of({.max_frame_bytes = 104}));
  std::array<std::byte, 4> head{};
  head.fill(std::byte{'#'});
  EXPECT_EQ(failure_of(encoder.encode_head(101, head)), errc::frame_too_large);
  EXPECT_EQ(failure_of(encoder.encode_head(SIZE_MAX, head)), errc::frame_too_large);
  EXPECT_EQ(failure_of(encoder.encode_head(1, std::span(head).first(3))), errc::invalid_argument);
  EXPECT_EQ(as_text(head), "####");
  EXPECT_EQ(encoder.encode_head(100, head), 4u);
}

}  // namespace
}  // namespace sluice
