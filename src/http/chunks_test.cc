#include "http/chunks.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

struct outcome {
  std::string body;
  std::string rest;
  bool ended = false;
  std::optional<status> refused;
};

// Reads `text` in pieces of `step` bytes.
outcome read(std::string_view text, std::size_t step, chunk_reader& chunks) {
  outcome seen;
  std::string waiting;
  while (!text.empty() && !seen.refused && !chunks.ended()) {
    waiting += text.substr(0, step);
    text.remove_prefix(std::min(step, text.size()));
    while (!waiting.empty() && !chunks.ended()) {
      const auto taken = chunks.read(waiting);
      if (!taken) {
        seen.refused = taken.error().code;
        break;
      }
      waiting.erase(0, *taken);
      const auto data = std::min<std::uint64_t>(waiting.size(), chunks.data_left());
      seen.body += waiting.substr(0, data);
      waiting.erase(0, data);
      chunks.took(data);
    }
  }
  seen.ended = chunks.ended();
  seen.rest = waiting + std::string(text);
  return seen;
}

TEST(chunks, are_the_same_however_they_are_cut) {
  constexpr std::string_view text =
      "5\r\nhello\r\n1;a=\"b\" ;c\r\n \r\n0a\r\n0123456789\r\n0\r\nX: a\r\nHost: evil\r\n\r\nGET /";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    chunk_reader chunks;
    const auto seen = read(text, step, chunks);
    EXPECT_TRUE(seen.ended);
    EXPECT_EQ(seen.body, "hello 0123456789");
    EXPECT_EQ(seen.rest, "GET /");
    EXPECT_EQ(chunks.trailers()["X"], "a");
    EXPECT_EQ(chunks.trailers().count("Host"), 0U);
  }
}

TEST(chunks, have_sizes_of_63_bits) {
  chunk_reader chunks;
  EXPECT_TRUE(chunks.read("7fffffffffffffff\r\n"));
  EXPECT_EQ(chunks.data_left(), (1ULL << 63) - 1);
  for (const auto* size : {"8000000000000000\r\n", "ffffffffffffffff\r\n"}) {
    chunk_reader large;
    EXPECT_EQ(large.read(size).error().code, status::payload_too_large);
  }
  chunk_reader digits;
  EXPECT_FALSE(digits.read("00000000000000001\r\n"));
}

TEST(chunks, have_limits) {
  const auto refused = [](const std::string& text) {
    chunk_reader chunks;
    return read(text, text.size(), chunks).refused;
  };
  EXPECT_EQ(refused("0;" + std::string(255, 'a') + "\r\n\r\n"), std::nullopt);
  EXPECT_EQ(refused("0;" + std::string(256, 'a') + "\r\n\r\n"), status::payload_too_large);
  std::string many;
  for (int i = 0; i < 64; ++i) many += "1;" + std::string(255, 'a') + "\r\nx\r\n";
  EXPECT_EQ(refused(many + "0\r\n\r\n"), std::nullopt);
  EXPECT_EQ(refused(many + "0;\r\n\r\n"), status::payload_too_large);
  EXPECT_EQ(refused("0\r\nX: " + std::string(8 * 1024 - 7, 'a') + "\r\n\r\n"), std::nullopt);
  EXPECT_EQ(refused("0\r\nX: " + std::string(8 * 1024 - 6, 'a') + "\r\n\r\n"),
            status::request_header_fields_too_large);
}

}  // namespace
}  // namespace sluice::http
