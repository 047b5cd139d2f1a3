#include "access/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "access/password.h"
#include "access/test_table.h"

namespace sluice::access {
namespace {

using test::value;
using test::writing;

login log_in(gate& at, const std::string& account, const std::string& password,
             const std::string& address = "192.0.2.1") {
  std::promise<login> told;
  at.by_password(account, base::secret::copy_of(password), address,
                 [&](login outcome) { told.set_value(std::move(outcome)); });
  return told.get_future().get();
}

// Before which no test is over, however slow the machine.
constexpr std::chrono::minutes long_wait{10};

class gate_test : public testing::Test {
 protected:
  gate_test() {
    const auto hash = value(hash_password(base::secret::copy_of("correct horse")));
    value(world_.table().add_account("anna", hash, {{"", writing}}));
    value(world_.table().add_account("keys", "", {{"", writing}}));
  }

  test::world world_;
};

TEST_F(gate_test, lets_in_who_knows_the_password) {
  gate at(world_.table());
  const auto in = log_in(at, "anna", "correct horse");
  ASSERT_TRUE(in) << in.error().why.message();
  EXPECT_EQ((*in)->may("a"), writing);
  EXPECT_EQ((*log_in(at, "anna", "correct horse"))->id(), (*in)->id()) << "remembered";
}

TEST_F(gate_test, answers_the_same_whatever_is_wrong) {
  gate at(world_.table());
  const auto wrong = log_in(at, "anna", "incorrect horse");
  const auto unknown = log_in(at, "nobody", "incorrect horse");
  const auto has_none = log_in(at, "keys", "");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().why.code, errc::not_allowed);
  EXPECT_EQ(wrong.error().why, unknown.error().why);
  EXPECT_EQ(wrong.error().why, has_none.error().why);
  EXPECT_FALSE(log_in(at, "anna", std::string(1025, 'x')));
  EXPECT_FALSE(log_in(at, std::string(10'000, 'x'), "x"));
}

// In processor time.
std::clock_t work_of(const std::function<void()>& what) {
  const auto before = std::clock();
  what();
  return std::clock() - before;
}

// Nobody can tell by the time whether there is an account. Work of the processor, which a busy
// machine does not make more; and a hash is so much of it that nothing else comes near.
TEST_F(gate_test, an_account_that_is_unknown_or_has_no_password_costs_a_hash) {
  gate at(world_.table(), {.per_account = {.free_tries = 100}});
  const auto a_hash = work_of([&] { (void)log_in(at, "anna", "incorrect horse"); });
  for (const auto* name : {"nobody", "keys"}) {
    EXPECT_GT(work_of([&] { (void)log_in(at, name, "incorrect horse"); }), a_hash / 4) << name;
  }
}

TEST_F(gate_test, a_remembered_password_is_none_once_it_was_changed) {
  gate at(world_.table());
  ASSERT_TRUE(log_in(at, "anna", "correct horse"));
  value(world_.table().set_password("anna",
                                    value(hash_password(base::secret::copy_of("another horse")))));
  EXPECT_FALSE(log_in(at, "anna", "correct horse"));
  EXPECT_TRUE(log_in(at, "anna", "another horse"));
  value(world_.table().remove_account("anna"));
  EXPECT_FALSE(log_in(at, "anna", "another horse"));
}

TEST_F(gate_test, makes_guessers_wait_and_lets_tokens_in) {
  gate at(world_.table(),
          {.per_account = {.free_tries = 3, .first = long_wait, .most = long_wait}});
  const auto token = value(world_.table().add_token({.account = "anna"}));
  for (int i = 0; i < 3; ++i) {
    const auto wrong = log_in(at, "anna", "guess", "192.0.2." + std::to_string(i));
    EXPECT_EQ(wrong.error().why.code, errc::not_allowed);
  }
  const auto late = log_in(at, "anna", "correct horse", "192.0.2.9");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().why.code, errc::busy);
  EXPECT_GE(late.error().wait.count(), 1);
  EXPECT_TRUE(at.by_token(token.text)) << "a flood of wrong passwords keeps out no token";
}

TEST_F(gate_test, makes_an_address_wait_whatever_account_it_guesses_at) {
  gate at(world_.table(),
          {.per_address = {.free_tries = 3, .first = long_wait, .most = long_wait}});
  for (int i = 0; i < 3; ++i) (void)log_in(at, "x" + std::to_string(i), "guess");
  EXPECT_EQ(log_in(at, "anna", "correct horse").error().why.code, errc::busy);
  EXPECT_TRUE(log_in(at, "anna", "correct horse", "192.0.2.7"));
}

TEST_F(gate_test, one_who_is_right_is_forgiven) {
  gate at(world_.table(), {.per_account = {.free_tries = 3}});
  for (int i = 0; i < 2; ++i) (void)log_in(at, "anna", "guess");
  EXPECT_TRUE(log_in(at, "anna", "correct horse"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(log_in(at, "anna", "guess").error().why.code, errc::not_allowed);
  }
}

// More at once than may wait: those beyond hear so, and the others are answered.
TEST_F(gate_test, has_a_queue_with_an_end) {
  gate at(world_.table(),
          {.per_address = {.free_tries = 1000}, .hashing = 1, .hashing_waiting = 4});
  std::vector<std::promise<login>> told(20);
  for (std::size_t i = 0; i < told.size(); ++i) {
    at.by_password("x" + std::to_string(i), base::secret::copy_of("guess"), "192.0.2.1",
                   [&told, i](login outcome) { told[i].set_value(std::move(outcome)); });
  }
  std::size_t busy = 0;
  for (auto& one : told) {
    const auto outcome = one.get_future().get();
    ASSERT_FALSE(outcome);
    if (outcome.error().why.code == errc::busy) ++busy;
  }
  EXPECT_GE(busy, told.size() - 4 - 2) << "at most 4 wait, and those that began meanwhile";
  EXPECT_LT(busy, told.size());
}

// One login, which is asked now and, once it is answered, holds the pool's thread until let go.
class held_login {
 public:
  held_login(gate& at, const std::string& account, const std::string& address) {
    at.by_password(account, base::secret::copy_of("guess"), address,
                   [kept = kept_, asker = std::this_thread::get_id()](const login& outcome) {
                     kept->told.set_value(outcome ? errc{} : outcome.error().why.code);
                     if (std::this_thread::get_id() != asker) kept->let_go.get_future().wait();
                   });
  }
  ~held_login() { let_go(); }
  held_login(const held_login&) = delete;
  held_login& operator=(const held_login&) = delete;

  // timed_out: it is not answered, though it should be.
  errc outcome() {
    const bool is_here = answer_.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    return is_here ? answer_.get() : errc::timed_out;
  }
  bool is_answered() const {
    return answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  void let_go() {
    if (!std::exchange(let_go_, true)) kept_->let_go.set_value();
  }

 private:
  struct state {
    std::promise<errc> told;
    std::promise<void> let_go;
  };
  std::shared_ptr<state> kept_ = std::make_shared<state>();
  std::future<errc> answer_ = kept_->told.get_future();
  bool let_go_ = false;
};

constexpr gate_limits one_waits{.hashing = 1, .hashing_waiting = 1};

TEST_F(gate_test, who_was_turned_away_and_comes_again_is_ahead_of_newcomers) {
  gate at(world_.table(), one_waits);
  held_login first(at, "a", "192.0.2.1");
  EXPECT_EQ(first.outcome(), errc::not_allowed);
  held_login second(at, "b", "192.0.2.2");
  held_login honest(at, "c", "192.0.2.3");
  EXPECT_EQ(honest.outcome(), errc::busy);
  EXPECT_FALSE(second.is_answered()) << "it came before";
  first.let_go();
  EXPECT_EQ(second.outcome(), errc::not_allowed);
  held_login newcomer(at, "d", "192.0.2.4");
  held_login again(at, "c", "192.0.2.3");
  EXPECT_EQ(newcomer.outcome(), errc::busy);
  second.let_go();
  EXPECT_EQ(again.outcome(), errc::not_allowed);
  again.let_go();
}

TEST_F(gate_test, from_where_a_password_was_right_one_is_ahead_of_strangers) {
  gate at(world_.table(), one_waits);
  ASSERT_TRUE(log_in(at, "anna", "correct horse", "192.0.2.9"));
  held_login first(at, "a", "192.0.2.1");
  EXPECT_EQ(first.outcome(), errc::not_allowed);
  held_login stranger(at, "b", "192.0.2.2");
  held_login known(at, "keys", "192.0.2.9");
  EXPECT_EQ(stranger.outcome(), errc::busy);
  first.let_go();
  EXPECT_EQ(known.outcome(), errc::not_allowed);
  known.let_go();
}

// Else a flood would make those wait whom nobody has heard.
TEST_F(gate_test, a_try_that_was_turned_away_is_none) {
  gate at(world_.table(), {.per_account = {.free_tries = 2},
                           .per_address = {.free_tries = 2},
                           .hashing = 1,
                           .hashing_waiting = 1});
  held_login first(at, "a", "192.0.2.1");
  EXPECT_EQ(first.outcome(), errc::not_allowed);
  held_login second(at, "b", "192.0.2.2");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(held_login(at, "anna", "192.0.2.3").outcome(), errc::busy);
  }
  first.let_go();
  EXPECT_EQ(second.outcome(), errc::not_allowed);
  second.let_go();
  EXPECT_TRUE(log_in(at, "anna", "correct horse", "192.0.2.3"));
}

TEST_F(gate_test, who_comes_for_the_first_time_in_a_flood_is_heard_when_it_comes_again) {
  gate at(world_.table(), {.per_account = {.free_tries = 2}, .newcomers_per_second = 0});
  const auto work = work_of([&] {
    for (int i = 0; i < 100; ++i) {
      const auto guess = log_in(at, "anna", "guess", "192.0.2." + std::to_string(i));
      EXPECT_EQ(guess.error().why.code, errc::busy);
      EXPECT_GE(guess.error().wait.count(), 1);
    }
  });
  EXPECT_EQ(log_in(at, "anna", "correct horse", "198.51.100.1").error().why.code, errc::busy);
  const auto a_login =
      work_of([&] { EXPECT_TRUE(log_in(at, "anna", "correct horse", "198.51.100.1")) << "again"; });
  EXPECT_LT(work, 10 * a_login) << "a hundred guesses were not hashed";
}

// Else it makes up accounts for as long as it likes, and all newcomers wait for it.
TEST_F(gate_test, an_address_of_many_newcomers_has_to_wait) {
  gate at(world_.table(), {.per_address = {.free_tries = 3, .first = long_wait, .most = long_wait},
                           .newcomers_per_second = 0});
  for (int i = 0; i < 3; ++i) {
    const auto unheard = log_in(at, "x" + std::to_string(i), "guess").error();
    EXPECT_THAT(unheard.why.context, testing::HasSubstr("many log in"));
  }
  EXPECT_THAT(log_in(at, "x3", "guess").error().why.context, testing::HasSubstr("too many wrong"));
}

TEST_F(gate_test, from_where_a_password_was_right_nobody_is_a_newcomer) {
  gate at(world_.table(), {.newcomers_per_second = 0});
  EXPECT_FALSE(log_in(at, "anna", "correct horse"));
  EXPECT_TRUE(log_in(at, "anna", "correct horse"));
  EXPECT_EQ(log_in(at, "keys", "guess").error().why.code, errc::not_allowed);
}

// 30,000 logins at once from as many addresses: what is kept of them has an end.
TEST_F(gate_test, a_flood_takes_bounded_memory) {
  gate at(world_.table(), {.hashing_waiting = 2});
  for (int i = 0; i < 30'000; ++i) {
    at.by_password("user" + std::to_string(i), base::secret::copy_of("guess"),
                   "2001:db8::" + std::to_string(i), [](const login&) {});
  }
  EXPECT_LE(at.entries(), 16'384U + 2U * 4096U);
  EXPECT_GE(at.entries(), 16'384U + 4096U) << "else this test tells nothing";
}

}  // namespace
}  // namespace sluice::access
