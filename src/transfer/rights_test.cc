// What the use cases ask, and what becomes of work whose right is taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transfer/test_people.h"

namespace sluice::transfer {
namespace {

using base::permit;
using base::right;
using base::rights;
using test::bytes;
using test::content_of;
using test::mib;
using test::value;

constexpr rights writing{right::see, right::take, right::give, right::change};

class rights_test : public test::people {
 protected:
  void grant(const std::string& name, const std::string& path, rights what) {
    value(table_->put_grant(name, {path, what}));
  }

  base::caller_ptr anna = somebody("anna", {{"", writing}});
  base::caller_ptr bert = somebody("bert", {{"", writing}});
};

TEST_F(rights_test, an_upload_is_there_for_whom_it_belongs_to) {
  const auto owner = somebody("owner", {{"", {right::admin}}});
  auto& uploads = w.asking_uploads();
  const auto id = value(uploads.open(wanted_by(anna, "a", mib))).upload->id();
  EXPECT_TRUE(uploads.join(id, anna));
  EXPECT_TRUE(uploads.join(id, owner));
  EXPECT_TRUE(uploads.facts(id, owner));
  EXPECT_FAILS(uploads.join(id, bert), errc::not_found);
  EXPECT_FAILS(uploads.facts(id, bert), errc::not_found);
  EXPECT_FAILS(uploads.parts(id, bert), errc::not_found);
  EXPECT_FAILS(uploads.remove(id, bert), errc::not_found);
  EXPECT_FAILS(uploads.join_parts(id, bert), errc::not_found);
  EXPECT_FAILS(uploads.join(id, table_->stranger()), errc::not_allowed);
  w.reopen();
  EXPECT_TRUE(w.asking_uploads().join(id, anna)) << "also after a restart";
  EXPECT_FAILS(w.asking_uploads().join(id, bert), errc::not_found);
}

TEST_F(rights_test, nobody_goes_on_with_anothers_upload_by_its_name) {
  auto& uploads = w.asking_uploads();
  auto wanted = wanted_by(anna, "a", 2 * mib);
  const auto its = value(uploads.open(wanted));
  wanted.resume = true;
  EXPECT_EQ(value(uploads.open(wanted)).upload->id(), its.upload->id());
  auto other = wanted_by(bert, "a", 2 * mib);
  other.resume = other.kept = true;
  const auto opened = value(uploads.open(other));
  EXPECT_FALSE(opened.resumed);
  EXPECT_FALSE(opened.is_other);
  EXPECT_NE(opened.upload->id(), its.upload->id());
}

TEST_F(rights_test, parts_are_joined_by_whom_they_belong_to) {
  auto& uploads = w.asking_uploads();
  const auto part_by = [&](const base::caller_ptr& who) {
    upload_request wanted(
        value(allowed_place<right::give>::of(value(base::permit_anywhere<right::give>(who)))));
    wanted.form = catalog::upload_form::part;
    wanted.size_bytes = 1;
    return value(uploads.open(wanted)).upload->id();
  };
  auto whole = wanted_by(anna, "a", 0);
  whole.size_bytes.reset();
  whole.form = catalog::upload_form::joined;
  whole.parts = {part_by(anna), part_by(bert)};
  EXPECT_FAILS(uploads.open(whole), errc::not_found);
  whole.parts.pop_back();
  EXPECT_TRUE(uploads.open(whole));
}

TEST_F(rights_test, blocks_are_acknowledged_while_the_right_lasts) {
  const auto content = content_of(3 * mib);
  const auto opened = value(w.asking_uploads().open(wanted_by(anna, "a", content.size())));
  std::vector<durability_report> told;
  const auto writer = opened.upload->attach(
      [&](const durability_report& what) { told.push_back(what); }, opened.by);
  const auto checkpoint = [&] {
    std::promise<result<void>> done;
    writer->checkpoint([&](const auto& durable) {
      done.set_value(durable ? result<void>() : std::unexpected(durable.error()));
    });
    return done.get_future().get();
  };
  value(test::send(*writer, content, 0));
  ASSERT_TRUE(checkpoint());
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.back().durable.size(), 1U);
  value(test::send(*writer, content, 1));
  grant("anna", "", {right::see});
  EXPECT_FAILS(checkpoint(), errc::not_allowed);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(told.back().durable.empty());
  EXPECT_EQ(told.back().failure->code, errc::not_allowed);
  EXPECT_FAILS(test::send(*writer, content, 2), errc::not_allowed);
  EXPECT_FAILS(w.asking_uploads().join(opened.upload->id(), anna), errc::not_allowed);
  grant("anna", "", writing);
  const auto again = value(w.asking_uploads().join(opened.upload->id(), anna));
  EXPECT_EQ(again.upload->held_count(), 2U) << "what was durable is there for whom has the right";
}

TEST_F(rights_test, an_offset_is_told_while_the_right_lasts) {
  const auto content = content_of(2 * mib);
  auto wanted = wanted_by(anna, "a", content.size());
  wanted.form = catalog::upload_form::serial;
  const auto opened = value(w.asking_uploads().open(wanted));
  const auto writer = value(opened.upload->write_serially({}, opened.by));
  value(test::append(*writer, content, mib + 5));
  EXPECT_EQ(value(test::checkpoint(*writer)), mib + 5);
  value(test::append(*writer, content, mib + 9));
  value(table_->remove_account("anna"));
  EXPECT_FAILS(test::checkpoint(*writer), errc::not_allowed);
  EXPECT_FAILS(test::append(*writer, content, mib + 12), errc::not_allowed);
}

TEST_F(rights_test, a_follower_hears_while_the_right_lasts) {
  const auto heard = w.told().subscribe({});
  value(heard->follow(value(permit<right::see>(anna, "")), true));
  w.told().tell({.kind = event_kind::removed, .path = "before"});
  EXPECT_FALSE(heard->next().is_none());
  grant("anna", "", {right::give});
  w.told().tell({.kind = event_kind::removed, .path = "behind"});
  EXPECT_TRUE(heard->next().is_none()) << "not even that it missed something";
}

TEST_F(rights_test, a_file_gets_its_name_while_the_right_lasts) {
  const auto content = content_of(5);
  const auto opened = value(w.asking_uploads().open(wanted_by(anna, "a", content.size())));
  test::send_all(*opened.upload->attach({}, opened.by), content);
  const auto finish = [&] {
    std::promise<result<store::entry>> told;
    opened.upload->finish(opened.by, {}, [&](auto entry) { told.set_value(std::move(entry)); });
    return told.get_future().get();
  };
  grant("anna", "", {right::see});
  EXPECT_FAILS(finish(), errc::not_allowed);
  EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
  grant("anna", "", writing);
  EXPECT_TRUE(finish());
}

TEST_F(rights_test, what_is_replaced_needs_the_right_to_change_it) {
  w.write("a", content_of(3));
  const auto there = value(w.tree().stat("a"));
  grant("anna", "", {right::see, right::give});
  auto wanted = wanted_by(anna, "a", 5);
  wanted.replaces = catalog::replaced_file{there.size_bytes, there.mtime_ns};
  EXPECT_FAILS(w.asking_uploads().open(wanted), errc::not_allowed);
  small_file small(value(permit<right::give>(anna, "a")));
  small.replaces = wanted.replaces;
  std::promise<result<store::entry>> told;
  w.small().put(small, content_of(5), base::digest_of(content_of(5)),
                [&](auto entry) { told.set_value(std::move(entry)); });
  EXPECT_FAILS(told.get_future().get(), errc::not_allowed);
  grant("anna", "", writing);
  EXPECT_TRUE(w.asking_uploads().open(wanted));
}

TEST_F(rights_test, nothing_comes_to_light_by_a_new_name) {
  w.write("secret", content_of(3));
  std::filesystem::create_directories(w.root() / "mine" / "deep");
  const auto carl = somebody("carl", {{"", {right::see, right::change}}, {"mine", writing}});
  const auto move = [&](const std::string& from, const std::string& to) {
    return w.asking_tree().rename(value(permit<right::change>(carl, from)),
                                  value(permit<right::give>(carl, to)), {});
  };
  EXPECT_FAILS(move("secret", "mine/a"), errc::not_allowed);
  grant("carl", "", {right::see, right::take, right::change});
  EXPECT_TRUE(move("secret", "mine/a"));
  EXPECT_FALSE(permit<right::give>(carl, "other"));
}

TEST_F(rights_test, a_follower_hears_of_what_it_may_see) {
  const auto carl = somebody("carl", {{"in", {right::see}}});
  const auto heard = w.told().subscribe({});
  EXPECT_FALSE(permit<right::see>(carl, ""));
  value(heard->follow(value(permit<right::see>(carl, "in")), true));
  w.told().tell({.kind = event_kind::made, .path = "out/x"});
  w.told().tell({.kind = event_kind::made, .path = "in/x"});
  EXPECT_EQ(heard->next().what->path, "in/x");
  w.told().tell({.kind = event_kind::renamed, .path = "in/y", .from = "out/secret name"});
  EXPECT_TRUE(heard->next().missed) << "without the name that it may not see";
  w.told().tell({.kind = event_kind::made, .path = "in/z"});
  EXPECT_FALSE(heard->has_lost_a_right());
  grant("carl", "in", {});
  EXPECT_TRUE(heard->next().is_none()) << "told before the right was lost, and not heard before";
  w.told().tell({.kind = event_kind::made, .path = "in/w"});
  EXPECT_TRUE(heard->next().is_none());
  EXPECT_TRUE(heard->has_lost_a_right());
}

TEST_F(rights_test, uploads_under_way_are_told_where_they_may_be_seen) {
  const auto carl = somebody("carl", {{"in", {right::see}}});
  std::filesystem::create_directories(w.root() / "in");
  std::filesystem::create_directories(w.root() / "out");
  const auto one = value(w.asking_uploads().open(wanted_by(anna, "in/a", 1))).upload;
  const auto two = value(w.asking_uploads().open(wanted_by(anna, "out/b", 1))).upload;
  EXPECT_EQ(value(w.asking_uploads().under_way(anna)).size(), 2U);
  const auto seen = value(w.asking_uploads().under_way(carl));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.front().path, "in/a");
}

}  // namespace
}  // namespace sluice::transfer
