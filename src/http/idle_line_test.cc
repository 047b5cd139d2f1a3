#include "http/idle_line.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

namespace sluice::http {
namespace {

using clock = std::chrono::steady_clock;

class waiting final : public idler {
 public:
  explicit waiting(clock::time_point since) : since_(since) {}
  [[nodiscard]] clock::time_point idle_since() const noexcept override { return since_; }
  void go_parking() override {
    EXPECT_FALSE(is_linked());
    parked = true;
  }

  bool parked = false;

 private:
  clock::time_point since_;
};

class IdleLine : public testing::Test {
 protected:
  ~IdleLine() override {
    for (const auto& each : all_) idle_line::of(io_.get_executor()).leave(*each);
  }

  waiting& come(clock::duration after) {
    all_.push_back(std::make_unique<waiting>(begin_ + after));
    idle_line::of(io_.get_executor()).enter(*all_.back());
    return *all_.back();
  }

  [[nodiscard]] std::size_t parked() const {
    std::size_t count = 0;
    for (const auto& each : all_) count += each->parked ? 1 : 0;
    return count;
  }

  boost::asio::io_context io_{1};
  const clock::time_point begin_ = clock::now();
  std::vector<std::unique_ptr<waiting>> all_;
};

TEST_F(IdleLine, those_who_wait_longest_go_where_many_wait) {
  for (std::size_t i = 0; i < awake_max; ++i) come(std::chrono::milliseconds(i));
  EXPECT_EQ(parked(), 0U);
  come(awake_at_least * 100);
  EXPECT_EQ(parked(), 1U);
  EXPECT_TRUE(all_[0]->parked);
  come(awake_at_least * 100);
  EXPECT_TRUE(all_[1]->parked);
  EXPECT_EQ(parked(), 2U);
}

TEST_F(IdleLine, nobody_goes_who_waits_for_a_moment) {
  for (std::size_t i = 0; i < 2 * awake_max; ++i) come({});
  come(awake_at_least - std::chrono::milliseconds(1));
  EXPECT_EQ(parked(), 0U);
  come(awake_at_least);
  EXPECT_EQ(parked(), 2U) << "two for each that comes";
}

TEST_F(IdleLine, who_leaves_is_none_of_them) {
  auto& first = come({});
  for (std::size_t i = 1; i < awake_max; ++i) come({});
  idle_line::of(io_.get_executor()).leave(first);
  idle_line::of(io_.get_executor()).leave(first);
  come(awake_at_least);
  EXPECT_EQ(parked(), 0U);
  idle_line::of(io_.get_executor()).enter(first);
  EXPECT_EQ(parked(), 0U) << "it came last, and its time is its own";
}

}  // namespace
}  // namespace sluice::http
