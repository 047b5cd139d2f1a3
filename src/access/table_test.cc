#include "access/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "access/test_table.h"

namespace sluice::access {
namespace {

using base::permit;
using test::reading;
using test::right;
using test::rights;
using test::value;
using test::writing;

TEST(grants, count_for_whole_parts_of_a_path) {
  for (const auto* path : {"a/b", "/a/b", "a/b/", "/a/b/", "a/b/c", "a/b/c/d"}) {
    EXPECT_TRUE(holds("a/b", plain(path))) << path;
  }
  for (const auto* path : {"", "/", "a", "a/", "a/bc", "a/b.mov", "ab", "b/a/b", "//a/b", "a//b"}) {
    EXPECT_FALSE(holds("a/b", plain(path))) << path;
  }
  EXPECT_TRUE(holds("", ""));
}

TEST(grants, are_read_and_written) {
  EXPECT_EQ(parse_rights("read"), reading);
  EXPECT_EQ(parse_rights("write"), writing);
  EXPECT_EQ(parse_rights("drop"), rights{right::give});
  EXPECT_EQ(parse_rights("see,give"), (rights{right::see, right::give}));
  EXPECT_EQ(parse_rights("admin"), rights::all());
  for (const auto* text : {"", ",", "see,", "all", "see;take", "See"}) {
    EXPECT_FALSE(parse_rights(text)) << text;
  }
  EXPECT_EQ(to_text(reading), "see,take");
  EXPECT_EQ(to_text(rights::all()), "admin");
  EXPECT_EQ(to_text({}), "");
}

TEST(table, adds_up_what_is_granted_on_the_way) {
  test::world w;
  const auto anna =
      w.somebody("anna", {{"", {right::see}}, {"in", {right::give}}, {"in/x", reading}});
  EXPECT_EQ(anna->may("other"), rights{right::see});
  EXPECT_EQ(anna->may("in/day"), (rights{right::see, right::give}));
  EXPECT_EQ(anna->may("in/x/y"), (rights{right::see, right::give, right::take}));
  EXPECT_EQ(anna->may_below("in"), (rights{right::see, right::give, right::take}));
  EXPECT_EQ(anna->may_below("other"), rights{right::see});
}

TEST(table, strangers_have_what_the_server_says) {
  test::world open(writing);
  EXPECT_EQ(open.table().stranger()->may("a"), writing);
  EXPECT_FALSE(open.table().stranger()->is_known());
  test::world closed;
  EXPECT_TRUE(closed.table().stranger()->may("").is_none());
  const auto refused = permit<right::see>(closed.table().stranger(), "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::not_allowed);
}

TEST(table, what_may_not_be_seen_is_not_there) {
  test::world w;
  const auto anna = w.somebody("anna", {{"in", {right::see}}});
  const auto unseen = permit<right::take>(anna, "out/a");
  EXPECT_EQ(unseen.error().code, errc::not_found);
  const auto seen = permit<right::take>(anna, "in/a");
  EXPECT_EQ(seen.error().code, errc::not_allowed);
  EXPECT_EQ(permit<right::give>(anna, "").error().code, errc::not_found);
}

TEST(table, a_token_can_do_no_more_than_its_scope_and_its_account) {
  test::world w;
  value(w.table().add_account("anna", "", {{"in", writing}}));
  const auto with = [&](const grant& scope) {
    const auto made = value(w.table().add_token({.account = "anna", .scope = scope}));
    return value(w.table().find_by_token(made.text));
  };
  EXPECT_EQ(with({"", rights::all()})->may("in/a"), writing);
  EXPECT_EQ(with({"", rights::all()})->may("out"), rights());
  EXPECT_EQ(with({"in/a", reading})->may("in/a/b"), reading);
  EXPECT_EQ(with({"in/a", reading})->may("in/ab"), rights());
  EXPECT_EQ(with({"in/a", reading})->may_below(""), reading);
  EXPECT_EQ(with({"out", reading})->may_below(""), rights());
  const auto token = with({"in", {right::give}});
  value(w.table().put_grant("anna", {"in", {right::see}}));
  EXPECT_TRUE(token->may("in/a").is_none()) << "what its account lost it has lost";
}

TEST(table, admin_may_do_all) {
  test::world w;
  const auto owner = w.somebody("owner", {{"", {right::admin}}});
  EXPECT_EQ(owner->may("any/where"), rights::all());
  EXPECT_TRUE(permit<right::talk>(owner, "x"));
}

// The heart of it: work that runs asks again, and hears of all that ends a right.
TEST(table, whoever_loses_a_right_has_lost_it_at_once) {
  test::world w;
  const auto lost_by = [&](const std::function<void(const std::string& token)>& what) {
    value(w.table().add_account("anna", "", {{"", writing}}));
    const auto made = value(w.table().add_token({.account = "anna"}));
    const auto proof = value(permit<right::give>(value(w.table().find_by_token(made.text)), "a"));
    EXPECT_TRUE(proof.still_holds());
    value(w.table().add_account("other", "", {}));
    EXPECT_TRUE(proof.still_holds()) << "something else changed";
    what(made.id);
    const bool lost = !proof.still_holds();
    const bool refused = !w.table().find_by_token(made.text);
    (void)w.table().remove_account("anna");
    value(w.table().remove_account("other"));
    return std::pair(lost, refused);
  };
  EXPECT_EQ(lost_by([&](auto) { value(w.table().put_grant("anna", {"", reading})); }),
            std::pair(true, false));
  EXPECT_EQ(lost_by([&](auto id) { value(w.table().revoke_token(id)); }), std::pair(true, true));
  EXPECT_EQ(lost_by([&](auto) { value(w.table().remove_account("anna")); }), std::pair(true, true));
  EXPECT_EQ(lost_by([&](auto) { value(w.table().set_password("anna", "x")); }),
            std::pair(false, false))
      << "tokens outlive a password";
}

TEST(table, a_login_by_password_ends_with_the_password) {
  test::world w;
  value(w.table().add_account("anna", "one", {{"", writing}}));
  const auto anna = w.table().caller_of(*w.table().find_password("anna"));
  EXPECT_EQ(anna->may("a"), writing);
  const auto browser = value(w.table().add_token({.account = "anna", .session = true}));
  const auto in_browser = value(w.table().find_by_token(browser.text));
  value(w.table().set_password("anna", "two"));
  EXPECT_TRUE(anna->may("a").is_none());
  EXPECT_TRUE(in_browser->may("a").is_none()) << "so does what a browser keeps of it";
  EXPECT_FALSE(w.table().find_by_token(browser.text));
  EXPECT_EQ(permit<right::see>(anna, "a").error().code, errc::not_allowed);
  const auto again = w.table().caller_of(*w.table().find_password("anna"));
  value(w.table().end_sessions("anna"));
  EXPECT_TRUE(again->may("a").is_none()) << "log out everywhere";
}

TEST(table, a_token_expires_without_anybody_doing_anything) {
  test::world w;
  value(w.table().add_account("anna", "", {{"", writing}}));
  const auto now = test::world::now_s;
  const auto gone = value(w.table().add_token({.account = "anna", .expires_s = now}));
  EXPECT_EQ(w.table().find_by_token(gone.text).error().code, errc::not_allowed);
  const auto soon = value(w.table().add_token({.account = "anna", .expires_s = now + 1}));
  const auto anna = value(w.table().find_by_token(soon.text));
  const auto proof = value(permit<right::give>(anna, "a"));
  EXPECT_TRUE(proof.still_holds());
  ++test::world::now_s;
  EXPECT_TRUE(anna->may("a").is_none());
  EXPECT_FALSE(proof.still_holds());
}

TEST(table, lasts) {
  test::world w;
  value(w.table().add_account("anna", "hash", {{"in", writing}}));
  value(w.table().add_account("bert", "", {}));
  const auto token = value(w.table().add_token({.account = "anna", .label = "laptop"}));
  const auto revoked = value(w.table().add_token({.account = "anna"}));
  value(w.table().revoke_token(revoked.id));
  value(w.table().remove_account("bert"));
  value(w.table().put_grant("anna", {"/out/", reading}));
  w.reopen();
  EXPECT_EQ(w.table().accounts().size(), 1U);
  EXPECT_EQ(w.table().find_password("anna")->hash, "hash");
  EXPECT_FALSE(w.table().find_password("bert"));
  const auto anna = value(w.table().find_by_token(token.text));
  EXPECT_EQ(anna->may("in"), writing);
  EXPECT_EQ(anna->may("out/x"), reading);
  EXPECT_FALSE(w.table().find_by_token(revoked.text));
  ASSERT_EQ(w.table().tokens().size(), 1U);
  EXPECT_EQ(w.table().tokens().front().label, "laptop");
}

TEST(table, an_account_of_the_same_name_is_another_one) {
  test::world w;
  const auto before = w.somebody("anna", {{"", writing}});
  value(w.table().remove_account("anna"));
  const auto after = w.somebody("anna", {{"", writing}});
  EXPECT_NE(before->id(), after->id());
  EXPECT_TRUE(before->may("a").is_none());
}

TEST(table, keeps_its_limits) {
  test::world w;
  for (const auto* name : {"", "a b", "a:b", "a/b", "anna\n", "\xc3\xa4"}) {
    EXPECT_EQ(w.table().add_account(name, "", {}).error().code, errc::invalid_argument) << name;
  }
  value(w.table().add_account(std::string(64, 'a'), "", {}));
  EXPECT_FALSE(w.table().add_account(std::string(65, 'a'), "", {}));
  value(w.table().add_account("anna", "", {}));
  EXPECT_EQ(w.table().add_account("anna", "", {}).error().code, errc::exists);
  EXPECT_EQ(w.table().put_grant("anna", {"a//b", reading}).error().code, errc::invalid_argument);
  std::vector<grant> many(table::grants_max, {"", reading});
  for (std::size_t i = 0; i < many.size(); ++i) many[i].path = "f" + std::to_string(i);
  value(w.table().add_account("bert", "", many));
  EXPECT_EQ(w.table().put_grant("bert", {"one more", reading}).error().code, errc::busy);
  EXPECT_TRUE(w.table().put_grant("bert", {"f7", writing})) << "in place of another";
}

TEST(table, the_oldest_session_goes_when_there_are_too_many) {
  test::world w;
  value(w.table().add_account("anna", "", {{"", writing}}));
  std::vector<made_token> made;
  for (std::size_t i = 0; i <= table::sessions_max; ++i) {
    made.push_back(value(w.table().add_token({.account = "anna", .session = true})));
  }
  EXPECT_EQ(w.table().tokens().size(), table::sessions_max);
  EXPECT_TRUE(w.table().find_by_token(made.back().text));
  const auto kept = value(w.table().add_token({.account = "anna"}));
  value(w.table().end_session(made.back().text));
  EXPECT_FALSE(w.table().find_by_token(made.back().text));
  value(w.table().end_sessions("anna"));
  ASSERT_EQ(w.table().tokens().size(), 1U);
  EXPECT_TRUE(w.table().find_by_token(kept.text));
}

TEST(table, can_be_asked_while_it_is_changed) {
  test::world w;
  const auto anna = w.somebody("anna", {{"in", writing}});
  std::atomic<bool> over = false;
  std::vector<std::jthread> askers;
  for (int i = 0; i < 3; ++i) {
    askers.emplace_back([&] {
      while (!over) {
        const auto now = anna->may("in/a");
        EXPECT_TRUE(now == writing || now == reading);
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    value(w.table().put_grant("anna", {"in", i % 2 == 0 ? reading : writing}));
    value(w.table().add_account("x" + std::to_string(i), "", {}));
  }
  over = true;
}

TEST(table, an_answer_takes_nanoseconds) {
  test::world w;
  const auto anna = w.somebody("anna", {{"in", writing}});
  const auto proof = value(permit<right::give>(anna, "in/day-1/a.mov"));
  constexpr int count = 100'000;
  unsigned held = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) held += anna->may("in/day-1/a.mov").has(right::give) ? 1 : 0;
  const auto asked = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) held += proof.still_holds() ? 1 : 0;
  const auto again = std::chrono::steady_clock::now();
  EXPECT_EQ(held, 2U * count);
  std::cout << "may: " << (asked - start).count() / count
            << " ns, still_holds: " << (again - asked).count() / count << " ns\n";
}

}  // namespace
}  // namespace sluice::access
