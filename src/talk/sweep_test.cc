#include "talk/sweep.h"

#include "catalog/query.h"
#include "talk/test_talk.h"

namespace sluice::talk {
namespace {

using test::world;
using testing::ElementsAre;

std::int64_t rows_in(catalog::session& s, const std::string& table) {
  std::int64_t count = 0;
  s.sql() << "SELECT COUNT(*) FROM " + table, soci::into(count);
  return count;
}

std::int64_t rows(world& w, const std::string& table) {
  return test::value(w.database().read([&](auto& s) { return rows_in(s, table); }));
}

// As if it had been said.
void fill(world& w, const std::string& path, std::int64_t messages) {
  test::value(w.database().write([&](catalog::session& s) -> result<void> {
    const auto room = catalog::find_or_make_room(s, path);
    for (std::int64_t i = 0; i < messages; ++i) {
      const auto number = catalog::next_change(s);
      catalog::insert_message(
          s, {.id = number, .room_id = room.id, .version = number, .author = "a", .text = "old"});
    }
    return {};
  }));
}

// Each write comes behind a portion.
void until_swept(world& w) {
  while (rows(w, "talk_message") > 1 || rows(w, "talk_room") > 1) {
    test::value(w.database().write([](catalog::session&) -> result<void> { return {}; }));
  }
}

TEST(sweep, what_was_removed_is_not_found_and_then_deleted_in_portions) {
  world w;
  const auto anna = w.talker("anna");
  fill(w, "day/a.mp4", 5 * sweep::portion_rows);
  const auto commits = w.database().commits();
  test::value(w.talk().removed("day"));
  EXPECT_THAT(w.texts(anna, "day/a.mp4"), ElementsAre());
  const auto fresh = w.say(anna, "day/a.mp4", "new");
  EXPECT_THAT(w.texts(anna, "day/a.mp4"), ElementsAre("new"));
  until_swept(w);
  EXPECT_GE(w.database().commits(), commits + 6) << "the removal, and each portion by itself";
  EXPECT_THAT(w.texts(anna, "day/a.mp4", {.after_version = 0}), ElementsAre("new"));
  EXPECT_EQ(w.read(anna, "day/a.mp4").version, fresh.version);
  EXPECT_EQ(rows(w, "talk_room"), 1);
}

TEST(sweep, what_is_replaced_by_a_rename_is_deleted) {
  world w;
  const auto anna = w.talker("anna");
  fill(w, "b", 2 * sweep::portion_rows);
  w.say(anna, "a", "moved");
  test::value(w.talk().moved("a", "b"));
  EXPECT_THAT(w.texts(anna, "b"), ElementsAre("moved"));
  until_swept(w);
  EXPECT_THAT(w.texts(anna, "b"), ElementsAre("moved"));
}

// As after a kill: the removal is committed, and nothing of what follows.
TEST(sweep, goes_on_after_a_restart_and_nothing_shows_up_under_a_new_file) {
  world w;
  const auto anna = w.talker("anna");
  fill(w, "day/a.mp4", 3 * sweep::portion_rows);
  fill(w, "day/b.mp4", 1);
  test::value(w.database().write([](catalog::session& s) -> result<void> {
    catalog::remove_rooms(s, "day");
    (void)catalog::sweep_rooms(s, 10);
    return {};
  }));
  EXPECT_EQ(rows(w, "talk_message"), 3 * sweep::portion_rows + 1 - 10);
  w.reopen();
  w.say(anna, "day/a.mp4", "new");
  EXPECT_THAT(w.texts(anna, "day/a.mp4"), ElementsAre("new"));
  EXPECT_THAT(w.texts(anna, "day/a.mp4", {.search = "old"}), ElementsAre());
  EXPECT_THAT(w.texts(anna, "day/b.mp4"), ElementsAre());
  until_swept(w);
  EXPECT_THAT(w.texts(anna, "day/a.mp4"), ElementsAre("new"));
}

TEST(sweep, a_portion_deletes_so_much_and_no_more) {
  world w;
  fill(w, "a", 7);
  fill(w, "b", 2);
  fill(w, "c", 3);
  test::value(w.database().write([](catalog::session& s) -> result<void> {
    catalog::remove_rooms(s, "a");
    catalog::remove_rooms(s, "b");
    EXPECT_TRUE(catalog::has_removed_rooms(s));
    std::vector<std::int64_t> left;
    // Seven messages and their room, two and theirs: eleven rows.
    while (catalog::sweep_rooms(s, 4)) {
      left.push_back(rows_in(s, "talk_message") + rows_in(s, "talk_room"));
    }
    EXPECT_THAT(left, ElementsAre(11, 7));
    EXPECT_EQ(rows_in(s, "talk_message"), 3);
    EXPECT_EQ(rows_in(s, "talk_room"), 1);
    EXPECT_FALSE(catalog::has_removed_rooms(s));
    return {};
  }));
}

}  // namespace
}  // namespace sluice::talk
