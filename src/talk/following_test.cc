// Rooms whose files other programs renamed.
#include <map>

#include "talk/test_talk.h"

namespace sluice::talk {
namespace {

using test::world;
using testing::ElementsAre;
using kind = news::kind;

// What is where, as the disk has it.
class following : public testing::Test {
 protected:
  following() {
    files["a"] = {1, 7, 1000};
    files["b"] = {1, 8, 1000};
  }

  options with_files() {
    options opts{.pace = {.per_second = 1'000'000, .at_once = 1'000'000}};
    opts.identify = [this](const std::string& path) -> result<catalog::file_identity> {
      if (broken) return fail(errc::io);
      const auto found = files.find(path);
      if (found == files.end()) return fail(errc::not_found);
      return found->second;
    };
    return opts;
  }
  void rename(const std::string& from, const std::string& to) {
    auto one = files.extract(from);
    one.key() = to;
    files.insert(std::move(one));
  }

  bool broken = false;
  std::map<std::string, catalog::file_identity> files;
  world w{with_files()};
  test::somebody anna = w.talker("anna");
};

TEST_F(following, a_room_comes_along_once_it_is_asked_for_under_the_new_name) {
  const auto said = w.say(anna, "a", "first");
  w.say(anna, "b", "of another");
  rename("a", "c");
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("first"));
  EXPECT_THAT(w.texts(anna, "a"), ElementsAre());
  EXPECT_EQ(w.say(anna, "c", "second").path, "c");
  EXPECT_TRUE(w.try_amend(anna, "c", {.id = said.id, .resolved = true}));
  w.reopen();
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("first", "second"));
  EXPECT_THAT(w.texts(anna, "b"), ElementsAre("of another"));
}

TEST_F(following, whatever_is_asked_first) {
  const auto id = w.say(anna, "a", "first").id;
  rename("a", "c");
  w.say(anna, "c", "second");
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("first", "second"));
  rename("c", "d");
  EXPECT_TRUE(w.try_amend(anna, "d", {.id = id, .resolved = true}));
  rename("d", "e");
  const auto hears = w.talk().listen([] {});
  const auto joined = hears->join(world::at(anna, "e"), anna.as);
  ASSERT_TRUE(joined);
  EXPECT_GT(*joined, id) << "the newest version there";
}

TEST_F(following, only_where_nothing_has_the_old_name) {
  w.say(anna, "a", "about the name");
  rename("a", "c");
  files["a"] = {1, 9, 2000};
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre());
  EXPECT_THAT(w.texts(anna, "a"), ElementsAre("about the name"));
}

TEST_F(following, only_where_nobody_has_talked_under_the_new_name) {
  w.say(anna, "a", "first");
  w.say(anna, "b", "second");
  files["b"] = files["a"];
  files.erase("a");
  EXPECT_THAT(w.texts(anna, "b"), ElementsAre("second"));
  EXPECT_THAT(w.texts(anna, "a"), ElementsAre("first"));
}

// Another file that got the number of one that was deleted is no renamed one.
TEST_F(following, only_the_very_file) {
  w.say(anna, "a", "first");
  files.erase("a");
  files["c"] = {1, 7, 1001};
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre());
  files["d"] = {1, 11, 0};  // a disk that tells no time of birth
  w.say(anna, "d", "unborn");
  rename("d", "e");
  EXPECT_THAT(w.texts(anna, "e"), ElementsAre());
}

TEST_F(following, nothing_moves_while_the_disk_does_not_answer) {
  w.say(anna, "a", "first");
  rename("a", "c");
  broken = true;
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre());
  EXPECT_THAT(w.texts(anna, "a"), ElementsAre("first"));
  broken = false;
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("first"));
}

TEST_F(following, a_removed_room_follows_nobody) {
  w.say(anna, "a", "first");
  test::value(w.talk().removed("a"));
  rename("a", "c");
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre());
}

TEST_F(following, the_file_that_replaced_another_counts_once_it_was_talked_about) {
  w.say(anna, "a", "about the first cut");
  files["a"] = {1, 12, 3000};
  w.say(anna, "a", "about the second");
  rename("a", "c");
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("about the first cut", "about the second"));
}

// Whoever hears of the rename may be faster than the room.
TEST_F(following, a_rename_of_ours_takes_its_rooms_along_itself) {
  files["day/x"] = {1, 20, 1000};
  w.say(anna, "day/x", "first");
  w.talk().begin_move("day");
  rename("day/x", "night/x");
  EXPECT_THAT(w.texts(anna, "night/x"), ElementsAre());
  test::value(w.talk().moved("day", "night"));
  EXPECT_THAT(w.texts(anna, "night/x"), ElementsAre("first"));
  rename("night/x", "noon/x");
  EXPECT_THAT(w.texts(anna, "noon/x"), ElementsAre("first")) << "it is over";
}

TEST_F(following, a_rename_that_failed_leaves_nothing_behind) {
  w.say(anna, "a", "first");
  w.talk().begin_move("a");
  w.talk().not_moved("a");
  rename("a", "c");
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("first"));
}

TEST_F(following, those_who_listen_come_along) {
  w.say(anna, "a", "first");
  const auto hears = w.talk().listen([] {});
  test::value(hears->join(world::at(anna, "a"), anna.as));
  hears->begin("a", 0);
  rename("a", "c");
  EXPECT_THAT(w.texts(anna, "c"), ElementsAre("first"));
  const auto told = hears->next(listener::clock::now());
  EXPECT_EQ(told.what, kind::moved);
  EXPECT_EQ(told.name, "c");
  w.say(anna, "c", "heard");
  EXPECT_EQ(hears->next(listener::clock::now()).what, kind::message);
}

}  // namespace
}  // namespace sluice::talk
