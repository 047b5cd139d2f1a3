#include "net/watch.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace sluice::net {
namespace {

using std::chrono::milliseconds;

class object final : public watched {
 public:
  object(const executor& where, std::function<void(object&)> on_look)
      : on_look_(std::move(on_look)), watch_(where, *this, milliseconds(5)) {}
  void look(std::chrono::steady_clock::time_point) override {
    ++looks;
    on_look_(*this);
  }
  void leave() { watch_.end(); }

  int looks = 0;

 private:
  std::function<void(object&)> on_look_;
  watch watch_;
};

TEST(watch, looks_at_all_and_lets_others_work_in_between) {
  asio::io_context io(1);
  constexpr std::size_t count = 1'000;
  std::vector<std::unique_ptr<object>> all;
  std::size_t left = count;
  std::size_t first_turn = 0;
  std::size_t last_turn = 0;
  std::size_t turns = 0;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(std::make_unique<object>(io.get_executor(), [&](object& seen) {
      if (left == count) first_turn = turns;
      last_turn = turns;
      --left;
      seen.leave();
    }));
  }
  // Another one's work, which is there in every turn of the loop.
  std::function<void()> work = [&] {
    ++turns;
    if (left > 0) asio::post(io, work);
  };
  asio::post(io, work);
  io.run();
  EXPECT_EQ(left, 0U);
  for (const auto& one : all) EXPECT_EQ(one->looks, 1);
  EXPECT_GE(last_turn - first_turn, 5U);
}

TEST(watch, goes_round_again_and_takes_who_comes_in_the_middle) {
  asio::io_context io(1);
  std::vector<std::unique_ptr<object>> all;
  std::unique_ptr<object> late;
  const auto leave_all = [&] {
    for (const auto& one : all) one->leave();
    late->leave();
  };
  const auto on_look = [&](object& seen) {
    if (!late) {
      late = std::make_unique<object>(io.get_executor(), [&](object& newcomer) {
        if (newcomer.looks == 3) leave_all();
      });
    }
    (void)seen;
  };
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::make_unique<object>(io.get_executor(), on_look));
  }
  io.run();
  EXPECT_EQ(late->looks, 3);
  for (const auto& one : all) EXPECT_EQ(one->looks, 3);
}

// Whose turn is next may leave while another one is looked at.
TEST(watch, is_not_confused_by_who_leaves) {
  asio::io_context io(1);
  std::vector<std::unique_ptr<object>> all;
  for (std::size_t i = 0; i < 300; ++i) {
    all.push_back(std::make_unique<object>(io.get_executor(), [&all, i](object& seen) {
      seen.leave();
      if (i + 1 < all.size()) all[i + 1]->leave();
    }));
  }
  io.run();
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i]->looks, i % 2 == 0 ? 1 : 0);
}

}  // namespace
}  // namespace sluice::net
