// Every vector, cut at every place, in every pair of places, and byte by byte: how a stream is cut
// never changes what is read from it.
#include "frame/frame_codec_testing.h"

namespace sluice {
namespace {

using namespace testing;

struct vector_case {
  const char* name;
  frame_options options;
  std::string wire;
  reading expected;
};

const std::vector<vector_case>& vectors() {
  static const std::vector<vector_case> all = {
      {"empty_stream", {}, "", {}},
      {"one_frame", {}, "\0\0\0\x09"s + "abcdefghi", {{"abcdefghi"}, {}, 0}},
      {"three_frames",
       {},
       "\0\0\0\x09"s + "abcdefghi" + "\0\0\0\x03"s + "123" + "\0\0\0\x0b"s + "hello world",
       {{"abcdefghi", "123", "hello world"}, {}, 0}},
      {"empty_frames", {}, "\0\0\0\0\0\0\0\x01z\0\0\0\0"s, {{"", "z", ""}, {}, 0}},
      {"little_endian",
       {.order = byte_order::little},
       "\x03\0\0\0"s + "123" + "\x01\0\0\0"s + "4",
       {{"123", "4"}, {}, 0}},
      {"one_byte_length",
       {.length_width = 1},
       "\x03"
       "123"
       "\x02"
       "45",
       {{"123", "45"}, {}, 0}},
      {"three_byte_length",
       {.length_width = 3},
       "\0\0\x03"s + "123" + "\0\0\x02"s + "45",
       {{"123", "45"}, {}, 0}},
      {"eight_byte_length_little",
       {.length_width = 8, .order = byte_order::little},
       "\x03\0\0\0\0\0\0\0"s + "123" + "\x01\0\0\0\0\0\0\0"s + "4",
       {{"123", "4"}, {}, 0}},
      {"offset",
       {.length_offset = 3, .length_width = 2},
       "abc\0\x02"s + "hi" + "def\0\x03"s + "you",
       {{"hi", "you"}, {}, 0}},
      {"head_kept",
       {.length_offset = 2, .length_width = 2, .strip = 0},
       "xx\0\x03"s + "123" + "yy\0\x01"s + "4",
       {{"xx\0\x03"s + "123", "yy\0\x01"s + "4"}, {}, 0}},
      {"stripped_past_the_head",
       {.length_width = 3, .length_adjustment = 1, .strip = 4},
       "\0\0\x0b\x0c"s + "Hello world" + "\0\0\0\x0c"s,
       {{"Hello world", ""}, {}, 0}},
      {"length_includes_itself",
       {.length_width = 2, .length_adjustment = -2},
       "\0\x05"s + "123" + "\0\x02"s + "\0\x03"s + "4",
       {{"123", "", "4"}, {}, 0}},
      {"length_of_the_whole_frame",
       {.length_offset = 1, .length_width = 2, .length_adjustment = -3},
       "a\0\x05"s + "12" + "b\0\x03"s,
       {{"12", ""}, {}, 0}},
      {"exactly_the_maximum",
       {.max_frame_bytes = 7},
       "\0\0\0\x03"s + "123" + "\0\0\0\x03"s + "456",
       {{"123", "456"}, {}, 0}},
      {"over_the_maximum",
       {.max_frame_bytes = 7},
       "\0\0\0\x03"s + "123" + "\0\0\0\x04"s + "4567" + "\0\0\0\x01"s + "8",
       {{"123"}, errc::frame_too_large, 0}},
      {"discarded",
       {.max_frame_bytes = 7, .oversized = oversize::discard},
       "\0\0\0\x04"s + "4567" + "\0\0\0\x01"s + "8" + "\0\0\0\x09"s + "\0\0\0\x01xyzzy"s,
       {{"8"}, {}, 2}},
      {"end_in_a_discarded_frame",
       {.max_frame_bytes = 7, .oversized = oversize::discard},
       "\0\0\0\x01"s + "8" + "\0\0\0\x04"s + "456",
       {{"8"}, errc::broken_stream, 1}},
      {"below_the_head",
       {.length_width = 2, .length_adjustment = -2},
       "\0\x03"s + "4" + "\0\x01"s + "rest",
       {{"4"}, errc::bad_frame, 0}},
      {"below_the_head_that_is_kept",
       {.length_width = 2, .length_adjustment = -2, .strip = 0},
       "\0\x03"s + "4" + "\0\x01"s + "rest and more",
       {{"\0\x03"s + "4"}, errc::bad_frame, 0}},
      {"below_the_strip",
       {.length_width = 1, .strip = 2},
       "\x02"
       "ab" +
           "\0"s + "rest",
       {{"b"}, errc::bad_frame, 0}},
      {"top_bit",
       {.length_width = 8, .max_frame_bytes = SIZE_MAX},
       "\0\0\0\0\0\0\0\x01x\x80\0\0\0\0\0\0\0"s + "rest",
       {{"x"}, errc::bad_frame, 0}},
      {"end_in_the_head", {}, "\0\0\0\x01x\0\0\0"s, {{"x"}, errc::broken_stream, 0}},
      {"end_after_the_head", {}, "\0\0\0\x01x\0\0\0\x01"s, {{"x"}, errc::broken_stream, 0}},
      {"end_in_the_payload", {}, "\0\0\0\x01x\0\0\0\x03yz"s, {{"x"}, errc::broken_stream, 0}},
  };
  return all;
}

class frame_codec_split : public ::testing::TestWithParam<vector_case> {};

TEST_P(frame_codec_split, whole) {
  const auto& v = GetParam();
  EXPECT_EQ(read_pieces(format_of(v.options), {v.wire}), v.expected);
}

TEST_P(frame_codec_split, in_two_at_every_place) {
  const auto& v = GetParam();
  const auto format = format_of(v.options);
  for (std::size_t cut = 0; cut <= v.wire.size(); ++cut)
    EXPECT_EQ(read_pieces(format, {v.wire.substr(0, cut), v.wire.substr(cut)}), v.expected)
        << "cut at " << cut;
}

TEST_P(frame_codec_split, in_three_at_every_two_places) {
  const auto& v = GetParam();
  const auto format = format_of(v.options);
  for (std::size_t a = 0; a <= v.wire.size(); ++a)
    for (std::size_t b = a; b <= v.wire.size(); ++b)
      EXPECT_EQ(
          read_pieces(format, {v.wire.substr(0, a), v.wire.substr(a, b - a), v.wire.substr(b)}),
          v.expected)
          << "cut at " << a << " and " << b;
}

TEST_P(frame_codec_split, byte_by_byte) {
  const auto& v = GetParam();
  std::vector<std::string> pieces;
  for (const char c : v.wire) pieces.emplace_back(1, c);
  EXPECT_EQ(read_pieces(format_of(v.options), pieces), v.expected);
}

INSTANTIATE_TEST_SUITE_P(vectors, frame_codec_split, ::testing::ValuesIn(vectors()),
                         [](const auto& vector) { return std::string(vector.param.name); });

}  // namespace
}  // namespace sluice
