#include "net/direct_door.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <vector>

namespace sluice::net {
namespace {

std::shared_ptr<const direct_key> key_of(std::string_view text) {
  return std::make_shared<const direct_key>(std::move(*direct_key::parse(text)));
}
const auto ours = key_of("01234-56789-abcde-fghjk-mnpqr");
const auto theirs = key_of("01234-56789-abcde-fghjk-mnpqs");

class direct_door_test : public testing::Test {
 protected:
  direct_door_test() {
    direct_options options{.where = {"127.0.0.1", 0}, .listens = true, .key = ours};
    options.on_listening = [this](const host_port& at) { told_ = at; };
    listening_ = std::move(*direct_door::open(io_, std::move(options)));
  }

  std::unique_ptr<direct_door> caller(const std::shared_ptr<const direct_key>& key = ours,
                                      direct_role role = direct_role::receiver) {
    return std::move(
        *direct_door::open(io_, {.where = listening_->where(), .role = role, .key = key}));
  }

  void start(awaitable<void> work) {
    boost::asio::co_spawn(io_, std::move(work), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  // Until nothing is left to wait for but the listener.
  void run(awaitable<void> work) {
    start(finish(std::move(work)));
    io_.restart();
    io_.run();
  }
  awaitable<void> finish(awaitable<void> work) {
    co_await std::move(work);
    listening_->close();
  }

  asio::io_context io_{1};
  host_port told_;
  std::unique_ptr<direct_door> listening_;
};

awaitable<void> meet(direct_door& near, direct_door& far) {
  auto called = co_await far.next();
  EXPECT_TRUE(called) << called.error().message();
  auto came = co_await near.next();
  EXPECT_TRUE(came);
  if (!called || !came) co_return;
  EXPECT_TRUE(called->is_tls());
  const std::array word{std::byte{42}};
  EXPECT_TRUE(called->send(word, {}, false));
  (void)co_await came->readable();
  const auto heard = came->peek();
  EXPECT_TRUE(heard && *heard == std::byte{42});
}

TEST_F(direct_door_test, two_with_the_same_key_meet) {
  EXPECT_EQ(told_.port, listening_->where().port);
  EXPECT_NE(told_.port, 0);
  const auto far = caller();
  run(meet(*listening_, *far));
}

awaitable<void> fail_to_call(direct_door& far, std::string_view what) {
  const auto called = co_await far.next();
  EXPECT_FALSE(called);
  if (called) co_return;
  EXPECT_EQ(called.error().code, errc::not_allowed);
  EXPECT_NE(called.error().message().find(what), std::string::npos) << called.error().message();
}

TEST_F(direct_door_test, another_key) {
  const auto far = caller(theirs);
  run(fail_to_call(*far, "has not this key"));
}

TEST_F(direct_door_test, both_play_the_same_part) {
  const auto far = caller(ours, direct_role::sender);
  run(fail_to_call(*far, "both sides send"));
}

awaitable<void> come_late(direct_door& near, direct_door& first, direct_door& second,
                          std::size_t& late) {
  auto called = co_await first.next();
  auto came = co_await near.next();
  auto again = co_await first.next();  // another connection of the same run is not late
  auto came_again = co_await near.next();
  EXPECT_TRUE(called && came && again && came_again);
  EXPECT_EQ(late, 0U);
  auto other = co_await second.next();
  EXPECT_TRUE(other);
  if (other) (void)co_await other->readable();  // it is closed
  EXPECT_EQ(late, 1U);
}

TEST_F(direct_door_test, a_second_run_is_late_while_the_first_is_here) {
  std::size_t late = 0;
  listening_->on_late([&late](const stream&) { ++late; });
  const auto first = caller();
  const auto second = caller();
  run(come_late(*listening_, *first, *second, late));
}

awaitable<void> come_behind(direct_door& near, direct_door& first, direct_door& second) {
  {
    auto called = co_await first.next();
    auto came = co_await near.next();
    EXPECT_TRUE(called && came);
  }
  auto other = co_await second.next();
  auto came = co_await near.next();
  EXPECT_TRUE(other && came);
}

TEST_F(direct_door_test, when_the_first_is_gone_the_next_may_come) {
  const auto first = caller();
  const auto second = caller();
  run(come_behind(*listening_, *first, *second));
}

awaitable<void> fill(direct_door& near, direct_door& far) {
  std::list<stream> all;
  for (std::size_t i = 0; i < direct_door::waiting_max; ++i) {
    auto called = co_await far.next();
    EXPECT_TRUE(called);
    if (called) all.push_back(std::move(*called));
  }
  auto over = co_await far.next();
  EXPECT_TRUE(over);
  if (over) (void)co_await over->readable();
  EXPECT_TRUE(over && over->peer_ended());
  EXPECT_FALSE(all.back().peer_ended());
  auto came = co_await near.next();  // there is room for one
  auto fits = co_await far.next();
  EXPECT_TRUE(came && fits);
  EXPECT_FALSE(fits->peer_ended());
}

TEST_F(direct_door_test, so_many_may_wait_to_be_taken) {
  const auto far = caller();
  run(fill(*listening_, *far));
}

awaitable<void> be_closed(direct_door& door) {
  const auto came = co_await door.next();
  EXPECT_FALSE(came);
  EXPECT_EQ(came.error().code, errc::cancelled);
}

TEST_F(direct_door_test, closing_ends_the_wait_and_handshakes) {
  tcp_socket silent(io_);
  silent.connect({asio::ip::address_v4::loopback(), listening_->where().port});
  start(be_closed(*listening_));
  io_.poll();
  listening_->close();
  io_.restart();
  io_.run();  // it ends
}

}  // namespace
}  // namespace sluice::net
