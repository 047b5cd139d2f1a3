#include "transfer/block_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>

namespace sluice::transfer {
namespace {

using testing::ElementsAre;

base::digest128 digest_from(std::uint64_t number) {
  return base::digest_of(std::as_bytes(std::span(&number, 1)));
}

TEST(block_set, is_empty_at_first) {
  block_set set;
  EXPECT_EQ(set.count(), 0U);
  EXPECT_EQ(set.end(), 0U);
  EXPECT_EQ(set.state(0), block_state::absent);
  EXPECT_FALSE(set.digest(0));
}

TEST(block_set, agrees_with_a_plain_map) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  block_set set;
  std::map<std::uint64_t, std::pair<base::digest128, block_state>> plain;
  for (int step = 0; step < 20'000; ++step) {
    const auto block = random() % 3 == 0 ? (random() >> 20) << 12 : random() % 300;
    const auto digest = digest_from(random());
    const auto state = static_cast<block_state>(random() % 3);
    set.set(block, digest, state);
    plain.erase(block);
    if (state != block_state::absent) plain[block] = {digest, state};
    if (random() % 4 == 0) {
      const auto gone = random() % 300;
      set.erase(gone);
      plain.erase(gone);
    }
  }
  std::map<std::uint64_t, std::pair<base::digest128, block_state>> seen;
  std::uint64_t received = 0;
  set.each([&](std::uint64_t block, const base::digest128& digest, block_state state) {
    if (!seen.empty()) {
      EXPECT_GT(block, seen.rbegin()->first);
    }
    seen[block] = {digest, state};
    received += state == block_state::received ? 1 : 0;
    EXPECT_EQ(set.state(block), state);
    EXPECT_EQ(set.digest(block), digest);
  });
  EXPECT_EQ(seen, plain);
  EXPECT_EQ(set.count(), plain.size());
  EXPECT_EQ(set.received_count(), received);
  EXPECT_EQ(set.end(), plain.rbegin()->first + 1);
}

TEST(range_builder, joins_neighbours) {
  range_builder builder;
  for (std::uint64_t block : {0, 1, 2, 5, 7, 8}) builder.add(block);
  EXPECT_THAT(builder.take(), ElementsAre(block_range{0, 3}, block_range{5, 1}, block_range{7, 2}));
  EXPECT_TRUE(range_builder().take().empty());
}

}  // namespace
}  // namespace sluice::transfer
