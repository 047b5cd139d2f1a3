#include "access/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "access/gate.h"
#include "access/password.h"
#include "access/test_table.h"

namespace sluice::access {
namespace {

using base::permit;
using test::reading;
using test::right;
using test::rights;
using test::value;
using test::writing;
using testing::HasSubstr;

class links : public testing::Test {
 protected:
  test::world w;
  base::caller_ptr anna = w.somebody("anna", {{"in", writing}});
  const base::origin here{"192.0.2.1", "native"};

  made_link make(link_wish wish) {
    if (wish.path.empty()) wish.path = "in/day";
    if (wish.does.is_none()) wish.does = watching;
    return value(w.table().add_link(*anna, wish));
  }
  base::caller_ptr come(const base::secret& text) {
    return value(w.table().find_by_token(text, here));
  }
  bool is_let_in(const base::secret& text) {
    return w.table().find_by_token(text, here).has_value();
  }
};

TEST_F(links, does_what_it_is_for_there_and_nothing_else) {
  const auto watch = come(make({}).text);
  EXPECT_EQ(watch->may("in/day"), watching);
  EXPECT_EQ(watch->may("in/day/a"), watching);
  for (const auto* path : {"", "in", "in/other", "in/day2", "other"}) {
    EXPECT_TRUE(watch->may(path).is_none()) << path;
  }
  EXPECT_EQ(watch->may_below(""), watching);
  EXPECT_EQ(watch->may_below("in"), watching);
  EXPECT_TRUE(watch->may_below("other").is_none());
  EXPECT_TRUE(watch->is_known());
  const auto drop = come(make({.does = dropping}).text);
  EXPECT_EQ(drop->may("in/day"), dropping);
  EXPECT_EQ(permit<right::take>(drop, "in/day/a").error().code, errc::not_found);
  EXPECT_EQ(come(make({.does = watching | dropping}).text)->may("in/day"), watching | dropping);
}

TEST_F(links, is_dead_with_whatever_ends_it) {
  const auto ended_by = [&](const std::function<void(const std::string& id)>& what) {
    const auto made = make({.does = watching | dropping, .expires_s = test::world::now_s + 60});
    const auto proof = value(permit<right::give>(come(made.text), "in/day/a"));
    what(made.id);
    return !proof.still_holds() && !is_let_in(made.text);
  };
  EXPECT_FALSE(ended_by([](const auto&) {}));
  EXPECT_TRUE(ended_by([&](const auto& id) { value(w.table().revoke_link(id)); }));
  EXPECT_TRUE(ended_by([&](const auto&) { test::world::now_s += 60; }));
  EXPECT_TRUE(ended_by([&](const auto&) { value(w.table().put_grant("anna", {"in", reading})); }));
  value(w.table().put_grant("anna", {"in", writing}));
  EXPECT_TRUE(ended_by([&](const auto&) { value(w.table().remove_account("anna")); }));
}

TEST_F(links, a_right_to_talk_that_is_lost_leaves_the_rest) {
  const auto made = make({});
  value(w.table().put_grant("anna", {"in", reading}));
  EXPECT_EQ(come(made.text)->may("in/day"), reading);
}

TEST_F(links, lasts_over_a_restart) {
  const auto made = make({.does = dropping, .label = "for bert", .limits = {.bytes = 100}});
  w.reopen();
  EXPECT_EQ(come(made.text)->may("in/day"), dropping);
  const auto all = w.table().links("");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front().label, "for bert");
  EXPECT_EQ(all.front().by, "anna");
  EXPECT_EQ(all.front().limits.bytes, 100U);
}

TEST_F(links, moves_with_what_is_renamed_and_leads_nowhere_meanwhile) {
  const auto made = make({});
  const auto watch = come(made.text);
  w.table().begin_move("in/day");
  EXPECT_TRUE(watch->may("in/day").is_none());
  w.table().end_move("in/day", "in/night");
  EXPECT_TRUE(watch->may("in/day").is_none());
  EXPECT_EQ(watch->may("in/night/a"), watching);
  w.table().begin_move("in/night");
  w.table().end_move("in/night", std::nullopt);
  EXPECT_EQ(watch->may("in/night"), watching);
  w.reopen();
  EXPECT_EQ(come(made.text)->may("in/night"), watching);
  value(w.table().put_grant("anna", {"out", writing}));
  w.table().begin_move("in");
  w.table().end_move("in", "out");
  EXPECT_EQ(w.table().links("").front().path, "out/night");
  EXPECT_EQ(w.table().place_of(caller_id_of_link(made.id))->path, "out/night");
}

TEST_F(links, uses_are_counted_by_visits_and_durably) {
  const auto made = make({.max_uses = 2});
  const auto asked = w.table().find_by_token(made.text, here);
  EXPECT_EQ(asked.error().code, errc::busy);
  value(w.table().use_link(made.text, here));
  EXPECT_TRUE(is_let_in(made.text));
  value(w.table().use_link(made.text, here));
  EXPECT_EQ(w.table().links("").front().uses, 1) << "the same visit";
  test::world::now_s += 12 * 3600;
  EXPECT_FALSE(is_let_in(made.text)) << "it is over";
  w.reopen();
  value(w.table().use_link(made.text, {"192.0.2.2", "files"}));
  EXPECT_EQ(w.table().use_link(made.text, here).error().code, errc::not_allowed) << "one over";
  EXPECT_THAT(w.table().links("").front().dead, HasSubstr("used up"));
  EXPECT_TRUE(w.table().find_by_token(made.text, {"192.0.2.2", "files"})) << "who is in stays in";
}

TEST_F(links, a_session_proves_that_one_came_in) {
  const auto made = make(
      {.password_hash = value(hash_password(base::secret::copy_of("a password"))), .max_uses = 1});
  const auto session = w.table().session_of_link(made.text);
  EXPECT_TRUE(is_let_in(session)) << "without a password, and not counted";
  auto forged = std::string(session.reveal());
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(is_let_in(base::secret(std::move(forged))));
  EXPECT_FALSE(is_let_in(base::secret(std::string(made.text.reveal()) + ".")));
  value(w.table().revoke_link(made.id));
  EXPECT_FALSE(is_let_in(session));
}

TEST_F(links, what_cannot_be_is_refused) {
  const auto code = [&](const link_wish& wish) {
    const auto made = w.table().add_link(*anna, wish);
    return made ? errc::internal : made.error().code;
  };
  EXPECT_EQ(code({.path = "in", .does = rights::all()}), errc::invalid_argument);
  EXPECT_EQ(code({.path = "in", .does = watching, .max_uses = 0}), errc::invalid_argument);
  EXPECT_EQ(code({.path = "in", .does = watching, .max_uses = 10'001}), errc::invalid_argument);
  EXPECT_EQ(code({.path = "in", .does = watching, .limits = {.files = 1}}), errc::invalid_argument);
  EXPECT_EQ(
      w.table().add_link(*w.table().stranger(), {.path = "in", .does = watching}).error().code,
      errc::not_allowed);
  const auto link = come(make({}).text);
  EXPECT_EQ(w.table().add_link(*link, {.path = "in", .does = watching}).error().code,
            errc::not_allowed)
      << "a link makes no link";
  EXPECT_EQ(w.table().revoke_link("none").error().code, errc::not_found);
}

TEST_F(links, what_is_given_by_it_counts_for_its_account_too) {
  value(w.table().set_limits("anna", {.bytes = 10}));
  const auto made = make({.does = dropping});
  const auto budget = w.table().budget_of(caller_id_of_link(made.id));
  EXPECT_TRUE(budget->take({.bytes = 10}));
  EXPECT_EQ(budget->take({.bytes = 1}).error().code, errc::no_space);
  EXPECT_EQ(w.table().accounts().front().used.bytes, 10U);
}

TEST(gate, lets_in_by_a_link_with_its_password) {
  test::world w;
  const auto anna = w.somebody("anna", {{"", writing}});
  gate at(w.table());
  const auto made = value(w.table().add_link(
      *anna, {.path = "in",
              .does = watching,
              .password_hash = value(hash_password(base::secret::copy_of("a password")))}));
  EXPECT_EQ(at.by_token(made.text).error().why.code, errc::not_allowed);
  const auto try_it = [&](const char* password) {
    std::promise<login> answered;
    at.by_password(std::string(made.text.reveal()), base::secret::copy_of(password), "192.0.2.1",
                   [&](login who) { answered.set_value(std::move(who)); });
    return answered.get_future().get();
  };
  EXPECT_FALSE(try_it("another one"));
  for (int i = 0; i < 2; ++i) {
    const auto who = try_it("a password");
    ASSERT_TRUE(who);
    EXPECT_EQ((*who)->may("in/a"), watching);
  }
}

}  // namespace
}  // namespace sluice::access
