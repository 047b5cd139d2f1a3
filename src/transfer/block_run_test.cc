#include "transfer/block_run.h"

#include "transfer/test_world.h"

namespace sluice::transfer::test {
namespace {

class BlockRun : public ::testing::Test {
 protected:
  BlockRun() : content_(content_of(3 * mib + 77)) {}

  void SetUp() override {
    upload_ = value(world_.uploads().open(request_for("film.mov", content_.size()))).upload;
  }

  block_run from(std::uint64_t first) { return {upload_->attach({}, unasked("film.mov")), first}; }
  [[nodiscard]] std::span<const std::byte> part(std::uint64_t begin, std::uint64_t end) const {
    return std::span(content_).subspan(begin, end - begin);
  }
  [[nodiscard]] std::vector<std::uint64_t> held() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& each : upload_->held(0, 100)) {
      EXPECT_EQ(each.digest, base::digest_of(block_of(content_, each.block)));
      numbers.push_back(each.block);
    }
    return numbers;
  }

  world world_;
  const bytes content_;
  std::shared_ptr<upload> upload_;
};

TEST_F(BlockRun, TakesTheEndBeforeTheBeginning) {
  auto end = from(2);
  value(end.append(part(2 * mib, content_.size())));
  EXPECT_TRUE(end.ends_a_block());
  auto beginning = from(0);
  value(beginning.append(part(0, 2 * mib)));
  EXPECT_EQ(held(), (std::vector<std::uint64_t>{0, 1, 2, 3}));
}

TEST_F(BlockRun, TakesPiecesOfAnyLength) {
  auto run = from(0);
  const std::uint64_t size = content_.size();
  for (std::uint64_t at = 0; at < size; at += 300'001) {
    value(run.append(part(at, std::min(size, at + 300'001))));
  }
  EXPECT_TRUE(run.ends_a_block());
  EXPECT_EQ(held(), (std::vector<std::uint64_t>{0, 1, 2, 3}));
}

TEST_F(BlockRun, OfABlockThatIsNotWholeNothingCounts) {
  auto run = from(1);
  value(run.append(part(mib, 2 * mib + 5)));
  EXPECT_FALSE(run.ends_a_block());
  EXPECT_EQ(held(), std::vector<std::uint64_t>{1});
}

TEST_F(BlockRun, TakesNoByteBehindTheEnd) {
  auto run = from(3);
  value(run.append(part(3 * mib, content_.size())));
  EXPECT_FAILS(run.append(part(0, 1)), errc::invalid_argument);
  auto behind = from(4);
  EXPECT_FAILS(behind.append(part(0, 1)), errc::invalid_argument);
  auto far_behind = from(~std::uint64_t{0});
  EXPECT_FAILS(far_behind.append(part(0, 1)), errc::invalid_argument);
}

TEST_F(BlockRun, ABlockMayComeTwice) {
  auto first = from(0);
  value(first.append(part(0, mib)));
  auto again = from(0);
  value(again.append(part(0, 2 * mib)));
  EXPECT_EQ(held(), (std::vector<std::uint64_t>{0, 1}));
}

}  // namespace
}  // namespace sluice::transfer::test
