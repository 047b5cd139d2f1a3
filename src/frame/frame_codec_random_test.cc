// Properties over all knobs at random: what is written is read again, and the arithmetic of heads
// is that of whole numbers. SLUICE_TEST_SEED repeats a run.
#include <cstdlib>
#include <iostream>
#include <random>

#include "frame/frame_codec_testing.h"

namespace sluice {
namespace {

using namespace testing;
__extension__ using wide = __int128;

class frame_codec_random : public ::testing::Test {
 protected:
  frame_codec_random() {
    const char* wanted = std::getenv("SLUICE_TEST_SEED");
    const auto seed = wanted ? std::strtoull(wanted, nullptr, 10) : std::random_device()();
    std::cout << "SLUICE_TEST_SEED=" << seed << '\n';
    random_.seed(seed);
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  frame_options any_options() {
    frame_options o;
    o.length_offset = below(3) ? below(6) : 0;
    o.length_width = 1 + below(8);
    o.order = below(2) ? byte_order::big : byte_order::little;
    o.length_adjustment = static_cast<std::int64_t>(below(41)) - 20;
    if (below(2)) o.strip = below(20);
    o.max_frame_bytes = below(4) ? 1 + below(400) : std::size_t{8} << 20;
    o.oversized = below(2) ? oversize::fail : oversize::discard;
    return o;
  }

  std::string any_content(std::size_t most) {
    std::string content(below(most + 1), '\0');
    for (auto& c : content) c = static_cast<char>(random_());
    return content;
  }

  std::vector<std::string> cut_anyhow(std::string_view wire) {
    std::vector<std::string> pieces;
    const auto longest = 1 + below(below(2) ? 8 : 600);
    while (!wire.empty()) {
      const auto bytes = std::min<std::size_t>(below(longest + 1), wire.size());
      pieces.emplace_back(wire.substr(0, bytes));
      wire.remove_prefix(bytes);
    }
    return pieces;
  }

  std::mt19937_64 random_;
};

std::string describe(const frame_options& o) {
  return "offset " + std::to_string(o.length_offset) + " width " + std::to_string(o.length_width) +
         (o.order == byte_order::big ? " big" : " little") + " adjustment " +
         std::to_string(o.length_adjustment) + " strip " +
         (o.strip ? std::to_string(*o.strip) : "-") + " maximum " +
         std::to_string(o.max_frame_bytes);
}

// Whether a frame with this many bytes after the head can be, by the definition alone.
bool possible(const frame_options& o, wide payload_bytes) {
  const wide head = static_cast<wide>(o.length_offset) + static_cast<wide>(o.length_width);
  const wide value = payload_bytes - o.length_adjustment;
  const wide capacity =
      o.length_width == 8 ? (wide{1} << 63) - 1 : (wide{1} << 8 * o.length_width) - 1;
  return value >= 0 && value <= capacity &&
         head + payload_bytes <= static_cast<wide>(o.max_frame_bytes) &&
         head + payload_bytes >= static_cast<wide>(o.strip.value_or(0));
}

TEST_F(frame_codec_random, what_is_written_is_read_again) {
  int formats = 0, frames = 0, refused = 0;
  while (formats < 3000) {
    const auto options = any_options();
    const auto format = frame_format::make(options);
    if (!format) continue;
    ++formats;
    SCOPED_TRACE(describe(options));
    const frame_encoder encoder(*format);
    const auto head_size = options.length_offset + options.length_width;
    std::vector<std::byte> wire;
    reading expected;
    for (int i = 0; i < 10; ++i) {
      const auto content = any_content(below(3) ? 40 : 500);
      const auto before = wire.size();
      const auto written = encoder.encode(as_bytes(content), wire);
      const bool whole = content.size() >= options.length_offset;
      const auto payload_bytes = content.size() - (whole ? options.length_offset : 0);
      ASSERT_EQ(written.has_value(), whole && possible(options, static_cast<wide>(payload_bytes)))
          << content.size();
      if (!written) {
        ++refused;
        ASSERT_EQ(wire.size(), before);
        continue;
      }
      ++frames;
      const auto frame = as_text(std::span(wire).subspan(before));
      ASSERT_EQ(frame.substr(0, options.length_offset) + frame.substr(head_size), content);
      expected.frames.push_back(frame.substr(options.strip.value_or(head_size)));

      std::string head = content.substr(0, options.length_offset) + std::string(8, '#');
      ASSERT_EQ(encoder.encode_head(payload_bytes, std::as_writable_bytes(std::span(head))),
                head_size);
      ASSERT_EQ(head.substr(0, head_size), frame.substr(0, head_size));
    }
    ASSERT_EQ(read_pieces(*format, cut_anyhow(as_text(wire))), expected);
  }
  EXPECT_GT(frames, formats) << "the options are too narrow to test anything";
  EXPECT_GT(refused, 100);
}

TEST_F(frame_codec_random, a_format_is_made_if_and_only_if_a_frame_can_pass) {
  int made = 0, refused = 0;
  for (int i = 0; i < 3000; ++i) {
    auto o = any_options();
    o.length_width = 1 + below(2);  // so that all payloads can be tried
    o.length_adjustment = static_cast<std::int64_t>(below(1200)) - 600;
    o.max_frame_bytes = 1 + below(400);
    bool some = false;
    for (wide payload_bytes = 0; payload_bytes <= 400; ++payload_bytes)
      some = some || possible(o, payload_bytes);
    const auto format = frame_format::make(o);
    ASSERT_EQ(format.has_value(), some) << describe(o);
    ++(format ? made : refused);
  }
  EXPECT_GT(made, 100);
  EXPECT_GT(refused, 100);
}

TEST_F(frame_codec_random, heads_of_any_value_are_judged_as_whole_numbers) {
  for (int i = 0; i < 200'000; ++i) {
    auto o = any_options();
    if (below(2)) o.max_frame_bytes = SIZE_MAX >> below(64);
    if (below(2)) o.length_adjustment = static_cast<std::int64_t>(random_()) >> below(64);
    const auto format = frame_format::make(o);
    if (!format) continue;
    const auto value = random_() >> below(64) & (~std::uint64_t{0} >> (64 - 8 * o.length_width));
    std::string head(o.length_offset, '#');
    for (std::size_t k = 0; k < o.length_width; ++k) {
      const auto at = o.order == byte_order::little ? k : o.length_width - 1 - k;
      head.push_back(static_cast<char>(value >> 8 * at));
    }
    const wide frame =
        static_cast<wide>(head.size()) + static_cast<wide>(value) + o.length_adjustment;
    const wide least = static_cast<wide>(std::max(head.size(), o.strip.value_or(0)));
    const auto extent = format->parse_head(as_bytes(head));
    SCOPED_TRACE(describe(o) + " value " + std::to_string(value));
    if (value >> 63 || frame < least) {
      ASSERT_FALSE(extent);
      ASSERT_EQ(extent.error().code, errc::bad_frame);
    } else if (frame > static_cast<wide>(o.max_frame_bytes) && o.oversized == oversize::fail) {
      ASSERT_FALSE(extent);
      ASSERT_EQ(extent.error().code, errc::frame_too_large);
    } else {
      ASSERT_TRUE(extent && *extent);
      ASSERT_TRUE(static_cast<wide>((*extent)->frame_bytes) == frame);
      ASSERT_EQ((*extent)->oversized, frame > static_cast<wide>(o.max_frame_bytes));
    }
  }
}

}  // namespace
}  // namespace sluice
