#include "talk/conversations.h"

#include "talk/test_talk.h"

namespace sluice::talk {
namespace {

using test::code_of;
using test::right;
using test::world;
using testing::ElementsAre;

TEST(conversations, what_was_said_is_there_after_a_restart) {
  world w;
  const auto anna = w.talker("anna");
  const auto first = w.say(anna, "a.mp4", "第一");
  const auto second = test::value(w.try_say(
      anna, "a.mp4",
      {.text = "b", .at_ms = 83'500, .until_ms = 84'000, .reply_to = first.id, .drawing = "{}"}));
  w.reopen();
  const auto found = w.read(anna, "a.mp4");
  ASSERT_EQ(found.messages.size(), 2U);
  EXPECT_EQ(found.messages[0].text, "第一");
  EXPECT_EQ(found.messages[0].author, "anna");
  EXPECT_EQ(found.messages[1].id, second.id);
  EXPECT_EQ(found.messages[1].at_ms, 83'500);
  EXPECT_EQ(found.messages[1].until_ms, 84'000);
  EXPECT_EQ(found.messages[1].reply_to, first.id);
  EXPECT_EQ(found.messages[1].drawing, "{}");
  EXPECT_EQ(found.version, second.version);
  EXPECT_GT(second.id, first.id);
}

TEST(conversations, pages_go_back_and_searches_find) {
  world w;
  const auto anna = w.talker("anna");
  for (int i = 0; i < 10; ++i) w.say(anna, "a", "take " + std::to_string(i));
  const auto newest = w.read(anna, "a", {.limit = 3});
  EXPECT_TRUE(newest.more);
  EXPECT_EQ(newest.messages.front().text, "take 7");
  const auto before = w.read(anna, "a", {.limit = 7, .before = newest.messages.front().id});
  EXPECT_FALSE(before.more);
  EXPECT_EQ(before.messages.front().text, "take 0");
  EXPECT_THAT(w.texts(anna, "a", {.search = "TAKE 5"}), ElementsAre("take 5"));
  EXPECT_THAT(w.texts(anna, "a", {.limit = 2, .search = "take"}), ElementsAre("take 8", "take 9"));
  EXPECT_THAT(w.texts(anna, "b"), ElementsAre());
  EXPECT_EQ(code_of(w.talk().read(world::at(anna, "a"), {.limit = 501})), errc::invalid_argument);
  EXPECT_EQ(code_of(w.talk().read(world::at(anna, "a"), {.limit = 0})), errc::invalid_argument);
}

TEST(conversations, what_changed_since_a_version) {
  world w;
  const auto anna = w.talker("anna");
  const auto one = w.say(anna, "a", "one");
  const auto two = w.say(anna, "a", "two");
  const auto edited = test::value(w.try_amend(anna, "a", {.id = one.id, .text = "one!"}));
  EXPECT_TRUE(edited.edited);
  EXPECT_GT(edited.version, two.version);
  EXPECT_EQ(edited.id, one.id);
  EXPECT_THAT(w.texts(anna, "a", {.after_version = one.version}), ElementsAre("two", "one!"));
  const auto page = w.read(anna, "a", {.limit = 1, .after_version = one.version});
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.version, edited.version);
}

TEST(conversations, own_messages_are_changed_and_deleted_and_others_resolved) {
  world w;
  const auto anna = w.talker("anna");
  const auto ben = w.talker("ben");
  const auto chief = w.add("chief", {{"", base::rights{right::admin}}});
  const auto id = w.say(anna, "a", "mine").id;
  EXPECT_EQ(code_of(w.try_amend(ben, "a", {.id = id, .text = "his"})), errc::not_allowed);
  EXPECT_EQ(code_of(w.try_amend(ben, "a", {.id = id, .deleted = true})), errc::not_allowed);
  EXPECT_EQ(code_of(w.try_amend(ben, "b", {.id = id, .resolved = true})), errc::not_found);
  EXPECT_TRUE(test::value(w.try_amend(ben, "a", {.id = id, .resolved = true})).resolved);
  EXPECT_FALSE(test::value(w.try_amend(anna, "a", {.id = id, .resolved = false})).resolved);
  EXPECT_EQ(test::value(w.try_amend(chief, "a", {.id = id, .text = "ours"})).text, "ours");
  const auto gone = test::value(w.try_amend(anna, "a", {.id = id, .deleted = true}));
  EXPECT_TRUE(gone.deleted);
  EXPECT_EQ(gone.text, "");
  EXPECT_EQ(code_of(w.try_amend(anna, "a", {.id = id, .text = "again"})), errc::not_found);
  EXPECT_THAT(w.texts(anna, "a", {.search = "ours"}), ElementsAre());
}

TEST(conversations, a_guest_proves_by_its_nonce_what_it_said) {
  world w;
  const auto guest =
      test::somebody{w.talker("link").caller, {.account_id = "l", .name = "Mia", .guest = true}};
  const auto other =
      test::somebody{guest.caller, {.account_id = "l", .name = "Mia", .guest = true}};
  const std::string nonce(proof_bytes_min, 'n');
  const auto id = test::value(w.try_say(guest, "a", {.text = "x", .nonce = nonce})).id;
  const auto brief = test::value(w.try_say(guest, "a", {.text = "y", .nonce = "short"})).id;
  EXPECT_EQ(code_of(w.try_amend(other, "a", {.id = id, .text = "z"})), errc::not_allowed);
  EXPECT_EQ(code_of(w.try_amend(guest, "a", {.id = brief, .text = "z", .nonce = "short"})),
            errc::not_allowed);
  EXPECT_TRUE(w.try_amend(guest, "a", {.id = id, .text = "z", .nonce = nonce}));
}

TEST(conversations, what_is_said_again_with_its_nonce_is_kept_once) {
  world w;
  const auto anna = w.talker("anna");
  const auto ben = w.talker("ben");
  const auto first = w.try_say(anna, "a", {.text = "once", .nonce = "n"});
  const auto again = w.try_say(anna, "a", {.text = "once", .nonce = "n"});
  EXPECT_EQ(first->id, again->id);
  EXPECT_TRUE(w.try_say(ben, "a", {.text = "another's", .nonce = "n"}));
  EXPECT_THAT(w.texts(anna, "a"), ElementsAre("once", "another's"));
}

TEST(conversations, a_reply_is_to_something_in_the_room) {
  world w;
  const auto anna = w.talker("anna");
  const auto id = w.say(anna, "a", "x").id;
  EXPECT_EQ(code_of(w.try_say(anna, "b", {.text = "y", .reply_to = id})), errc::invalid_argument);
  EXPECT_TRUE(w.try_say(anna, "a", {.text = "y", .reply_to = id}));
}

TEST(conversations, empty_lines_are_not_kept) {
  world w;
  const auto anna = w.talker("anna");
  EXPECT_EQ(code_of(w.try_say(anna, "a", {.text = ""})), errc::invalid_argument);
  EXPECT_EQ(code_of(w.try_say(anna, "a", {.text = "  \n"})), errc::invalid_argument);
  EXPECT_THAT(w.texts(anna, "a"), ElementsAre());
}

TEST(conversations, whoever_talks_too_fast_is_told) {
  world w({.pace = {.per_second = 0, .at_once = 3}});
  const auto anna = w.talker("anna");
  const auto ben = w.talker("ben");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(w.try_say(anna, "a", {.text = "x"}));
  EXPECT_EQ(code_of(w.try_say(anna, "b", {.text = "x"})), errc::busy);
  EXPECT_TRUE(w.try_say(ben, "a", {.text = "x"}));
}

TEST(conversations, a_room_has_a_limit) {
  world w({.pace = {.at_once = 100}, .room_messages_max = 3});
  const auto anna = w.talker("anna");
  for (int i = 0; i < 3; ++i) w.say(anna, "a", "x");
  EXPECT_EQ(code_of(w.try_say(anna, "a", {.text = "x"})), errc::no_space);
  EXPECT_TRUE(w.try_say(anna, "b", {.text = "x"}));
}

TEST(conversations, need_the_right_to_talk_and_to_see) {
  world w;
  const auto anna = w.talker("anna");
  w.say(anna, "a", "x");
  const auto blind = w.add("blind", {{"", base::rights{right::talk}}});
  EXPECT_EQ(code_of(w.try_say(blind, "a", {.text = "x"})), errc::not_found);
  EXPECT_EQ(code_of(w.talk().read(world::at(blind, "a"), {})), errc::not_found);
  EXPECT_EQ(code_of(w.try_amend(blind, "a", {.id = 1, .resolved = true})), errc::not_found);
  const auto mute = w.add("mute", {{"", access::test::reading}});
  EXPECT_FALSE(base::permit<right::talk>(mute.caller, "a"));
  const auto asked = world::at(anna, "a");
  test::value(w.rights().put_grant("anna", {"", access::test::reading}));
  std::promise<std::optional<errc>> told;
  w.talk().say(asked, {.text = "late"}, anna.as, [&](auto said) { told.set_value(code_of(said)); });
  EXPECT_EQ(told.get_future().get(), errc::not_allowed);
}

TEST(conversations, move_with_a_rename_and_end_with_a_removal) {
  world w;
  const auto anna = w.talker("anna");
  w.say(anna, "day-1", "folder");
  const auto id = w.say(anna, "day-1/a.mp4", "file").id;
  w.say(anna, "day-2/a.mp4", "replaced");
  test::value(w.talk().moved("day-1", "day-2"));
  EXPECT_THAT(w.texts(anna, "day-2"), ElementsAre("folder"));
  EXPECT_THAT(w.texts(anna, "day-2/a.mp4"), ElementsAre("file"));
  EXPECT_THAT(w.texts(anna, "day-1/a.mp4"), ElementsAre());
  EXPECT_EQ(w.read(anna, "day-2/a.mp4").messages.front().path, "day-2/a.mp4");
  EXPECT_TRUE(w.try_amend(anna, "day-2/a.mp4", {.id = id, .resolved = true}));
  test::value(w.talk().removed("day-2"));
  w.reopen();
  EXPECT_THAT(w.texts(anna, "day-2"), ElementsAre());
  EXPECT_THAT(w.texts(anna, "day-2/a.mp4"), ElementsAre());
}

TEST(conversations, nothing_is_written_for_a_rename_where_nobody_talked) {
  world w;
  const auto anna = w.talker("anna");
  w.say(anna, "b", "x");
  const auto commits = w.database().commits();
  test::value(w.talk().moved("a", "c"));
  test::value(w.talk().removed("a"));
  EXPECT_EQ(w.database().commits(), commits);
}

}  // namespace
}  // namespace sluice::talk
