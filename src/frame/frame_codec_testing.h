// What the tests of the frame codec share: texts as bytes, and a decoder fed piece by piece.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/frame_codec.h"

namespace sluice::testing {

using namespace std::string_literals;

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The code of a failure, nothing for a success.
template <class T>
std::optional<errc> failure_of(const result<T>& r) {
  return r ? std::nullopt : std::optional(r.error().code);
}

// The format of `options`, which the test knows to be good.
inline frame_format format_of(const frame_options& options) {
  auto format = frame_format::make(options);
  if (!format) {
    ADD_FAILURE() << format.error().message();
    return {};
  }
  return *format;
}

// What a stream was read as: its frames, and how it ended (nothing: well).
struct reading {
  std::vector<std::string> frames;
  std::optional<errc> failure;
  std::uint64_t discarded_frames = 0;

  friend bool operator==(const reading&, const reading&) = default;
  friend std::ostream& operator<<(std::ostream& out, const reading& r) {
    for (const auto& frame : r.frames) out << '[' << ::testing::PrintToString(frame) << "] ";
    if (r.failure) out << "then " << to_string(*r.failure);
    return out << ", discarded " << r.discarded_frames;
  }
};

// Feeds one piece, until it is used up or an error comes; the frames are appended to `frames`.
// The piece is copied to memory of exactly its size, so that a sanitizer sees a read beyond it.
inline std::optional<errc> feed(frame_decoder& decoder, std::string_view piece,
                                std::vector<std::string>& frames) {
  const std::vector<std::byte> exact(as_bytes(piece).begin(), as_bytes(piece).end());
  std::span<const std::byte> input(exact);
  for (;;) {
    const auto frame = decoder.next(input);
    if (!frame) return frame.error().code;
    if (!*frame) {
      EXPECT_TRUE(input.empty()) << "nullopt, but not all was taken";
      return std::nullopt;
    }
    frames.push_back(as_text(**frame));
  }
}

// A whole stream that arrives in these pieces and then ends.
inline reading read_pieces(const frame_format& format, const std::vector<std::string>& pieces) {
  frame_decoder decoder(format);
  reading seen;
  for (const auto& piece : pieces) {
    seen.failure = feed(decoder, piece, seen.frames);
    if (seen.failure) break;
  }
  const auto finished = decoder.finish();
  if (!finished) {
    EXPECT_TRUE(!seen.failure || seen.failure == finished.error().code);
    seen.failure = finished.error().code;
  } else {
    EXPECT_FALSE(seen.failure);
  }
  seen.discarded_frames = decoder.discarded_frames();
  return seen;
}

// `contents`, encoded one after the other into one buffer.
inline std::string write_all(const frame_encoder& encoder,
                             const std::vector<std::string>& contents) {
  std::vector<std::byte> out;
  for (const auto& content : contents) {
    const auto done = encoder.encode(as_bytes(content), out);
    EXPECT_TRUE(done) << done.error().message();
  }
  return as_text(out);
}

}  // namespace sluice::testing
