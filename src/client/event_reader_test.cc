#include "client/event_reader.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

constexpr std::string_view stream =
    "retry: 2000\n\n: a comment\n\nid: 1\nevent: made\ndata: {\"a\":1}\n\n"
    "data:one\r\ndata: two\r\n\r\nevent: empty\n\ndata: last\n\ndata: unfinished\n";

TEST(event_reader, reads_whatever_pieces_come) {
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    event_reader reader;
    std::vector<std::string> all;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      ASSERT_TRUE(reader.add(stream.substr(at, size)));
      while (auto data = reader.next()) all.push_back(std::move(*data));
    }
    EXPECT_EQ(all, (std::vector<std::string>{R"({"a":1})", "one\ntwo", "last"})) << size;
  }
}

TEST(event_reader, an_event_has_a_limit) {
  event_reader reader;
  const std::string line = "data: " + std::string(event_reader::event_bytes_max - 6, 'x');
  ASSERT_TRUE(reader.add(line)) << "as long as it may be";
  ASSERT_TRUE(reader.add("\n\n"));
  EXPECT_EQ(reader.next()->size(), event_reader::event_bytes_max - 6);
  ASSERT_TRUE(reader.add(line));
  EXPECT_FALSE(reader.add("x"));
}

TEST(event_reader, lines_of_one_event_have_it_together) {
  event_reader reader;
  const std::string line = "data: " + std::string(event_reader::event_bytes_max / 2, 'x') + "\n";
  bool taken = true;
  for (int i = 0; i < 4 && taken; ++i) {
    taken = reader.add(line).has_value();
    EXPECT_FALSE(reader.next());
  }
  EXPECT_FALSE(taken);
}

}  // namespace
}  // namespace sluice::client
