#include "base/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sluice::base {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// Of the xxHash specification and of `xxhsum -H2`, which prints the canonical form.
TEST(digest, has_the_published_values) {
  EXPECT_EQ(to_hex(digest_of({})), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(to_hex(digest_of(bytes_of("a"))), "a96faf705af16834e6c632b61e964e1f");
}

// Longer than every internal boundary of the algorithm, and over the stripes of each instruction
// set.
TEST(digest, of_a_stream_equals_the_digest_of_the_whole) {
  std::string content;
  for (int i = 0; i < 300'000; ++i) content += static_cast<char>(i * 7 + i / 251);
  for (const std::size_t piece : {1u, 17u, 240u, 241u, 1024u, 65'536u, 300'000u}) {
    digest_stream stream;
    for (std::size_t at = 0; at < content.size(); at += piece) {
      stream.update(bytes_of(content).subspan(at, std::min(piece, content.size() - at)));
    }
    EXPECT_EQ(stream.digest(), digest_of(bytes_of(content))) << piece;
  }
}

TEST(digest, notices_one_flipped_bit) {
  std::string content(1 << 20, 'x');
  const digest128 before = digest_of(bytes_of(content));
  content[777'777] = static_cast<char>(content[777'777] ^ 4);
  EXPECT_NE(digest_of(bytes_of(content)), before);
}

TEST(digest, stream_can_be_asked_reset_and_moved) {
  digest_stream stream;
  EXPECT_EQ(stream.digest(), digest_of({}));
  stream.update(bytes_of("ab"));
  EXPECT_EQ(stream.digest(), digest_of(bytes_of("ab")));
  digest_stream moved = std::move(stream);
  moved.update(bytes_of("c"));
  EXPECT_EQ(moved.digest(), digest_of(bytes_of("abc")));
  moved.reset();
  EXPECT_EQ(moved.digest(), digest_of({}));
}

TEST(digest, text_goes_there_and_back) {
  const digest128 digest = digest_of(bytes_of("text"));
  EXPECT_EQ(parse_digest(to_hex(digest)), digest);
  EXPECT_EQ(parse_digest(to_hex(digest).substr(1)), std::nullopt);
  EXPECT_EQ(parse_digest(to_hex(digest) + "0"), std::nullopt);
}

}  // namespace
}  // namespace sluice::base
