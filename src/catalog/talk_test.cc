#include "catalog/talk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/database.h"
#include "catalog/query.h"
#include "catalog/test_folder.h"

namespace sluice::catalog {
namespace {

using testing::ElementsAre;

class talk_tables : public testing::Test {
 protected:
  template <class F>
  auto change(F f) {
    std::invoke_result_t<F, session&> made{};
    const auto committed = db_->write([&](session& s) -> result<void> {
      made = f(s);
      return {};
    });
    EXPECT_TRUE(committed) << committed.error().message();
    return made;
  }

  std::int64_t say(const std::string& path, const std::string& text,
                   const std::string& nonce = "") {
    return change([&](session& s) {
      const auto room = find_or_make_room(s, path);
      const auto number = next_change(s);
      insert_message(s, {.id = number,
                         .room_id = room.id,
                         .version = number,
                         .account_id = "1",
                         .author = "anna",
                         .time_ms = 5,
                         .text = text,
                         .nonce = nonce});
      return number;
    });
  }

  std::vector<std::string> texts(const std::string& path) {
    return change([&](session& s) {
      std::vector<std::string> found;
      const auto room = find_room(s, path);
      if (!room) return found;
      for (auto& row : messages_before(s, room->id, 1'000'000, 100)) found.push_back(row.text);
      return found;
    });
  }

  test::folder where_;
  std::unique_ptr<database> db_ = test::open_in(where_);
};

TEST_F(talk_tables, messages_are_found_again_with_all_that_they_have) {
  const auto id = change([](session& s) {
    const auto room = find_or_make_room(s, "a/片.mp4");
    insert_message(s, {.id = next_change(s),
                       .room_id = room.id,
                       .version = 7,
                       .account_id = "x",
                       .author = "安娜",
                       .guest = true,
                       .time_ms = 1'700'000'000'123,
                       .text = "看这里\nsecond",
                       .at_ms = 0,
                       .until_ms = 5,
                       .reply_to = 3,
                       .drawing = "{}",
                       .nonce = "n"});
    return room.id;
  });
  db_.reset();
  db_ = test::open_in(where_);
  const auto room = change([](session& s) { return *find_room(s, "a/片.mp4"); });
  EXPECT_EQ(room.id, id);
  EXPECT_EQ(room.messages, 1);
  const auto found =
      change([&](session& s) { return *find_message_by_nonce(s, room.id, "x", "n"); });
  EXPECT_EQ(found.version, 7);
  EXPECT_EQ(found.author, "安娜");
  EXPECT_TRUE(found.guest);
  EXPECT_EQ(found.time_ms, 1'700'000'000'123);
  EXPECT_EQ(found.text, "看这里\nsecond");
  EXPECT_EQ(found.at_ms, 0);
  EXPECT_EQ(found.until_ms, 5);
  EXPECT_EQ(found.reply_to, 3);
  EXPECT_EQ(found.drawing, "{}");
  EXPECT_FALSE(found.resolved || found.edited || found.deleted);
}

TEST_F(talk_tables, changes_have_ascending_numbers_also_after_a_restart_and_a_removal) {
  const auto first = say("a", "1");
  change([](session& s) {
    remove_rooms(s, "a");
    return 0;
  });
  db_.reset();
  db_ = test::open_in(where_);
  EXPECT_GT(say("a", "2"), first);
  EXPECT_THAT(texts("a"), ElementsAre("2"));
}

TEST_F(talk_tables, pages_and_what_changed_since) {
  const auto one = say("a", "one");
  const auto two = say("a", "two");
  const auto three = say("a", "three");
  say("b", "elsewhere");
  const auto room = change([](session& s) { return *find_room(s, "a"); });
  const auto ids = [&](auto read) {
    return change([&](session& s) {
      std::vector<std::int64_t> found;
      for (const auto& row : read(s)) found.push_back(row.id);
      return found;
    });
  };
  EXPECT_THAT(ids([&](session& s) { return messages_before(s, room.id, three, 1); }),
              ElementsAre(two));
  EXPECT_THAT(ids([&](session& s) { return messages_after(s, room.id, one, 9); }),
              ElementsAre(two, three));
  change([&](session& s) {
    auto row = *find_message(s, room.id, one);
    row.version = next_change(s);
    row.text = "";
    row.deleted = true;
    update_message(s, row);
    return 0;
  });
  EXPECT_THAT(ids([&](session& s) { return messages_after(s, room.id, two, 9); }),
              ElementsAre(three, one));
  EXPECT_GT(change([&](session& s) { return newest_version(s, room.id); }), three);
  EXPECT_THAT(ids([&](session& s) { return messages_with(s, room.id, "T", 9); }),
              ElementsAre(three, two));
}

TEST_F(talk_tables, a_search_takes_its_text_as_it_is) {
  say("a", "100%");
  say("a", "100 _a!");
  const auto room = change([](session& s) { return *find_room(s, "a"); });
  const auto count = [&](const std::string& part) {
    return change([&](session& s) { return messages_with(s, room.id, part, 9).size(); });
  };
  EXPECT_EQ(count("0%"), 1U);
  EXPECT_EQ(count("_A!"), 1U);
  EXPECT_EQ(count("0_"), 0U);
}

TEST_F(talk_tables, a_nonce_is_kept_once) {
  say("a", "1", "n");
  const auto room = change([](session& s) { return *find_room(s, "a"); });
  const auto again = db_->write([&](session& s) -> result<void> {
    const auto number = next_change(s);
    insert_message(s, {.id = number,
                       .room_id = room.id,
                       .version = number,
                       .account_id = "1",
                       .author = "anna",
                       .text = "2",
                       .nonce = "n"});
    return {};
  });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
}

TEST_F(talk_tables, rooms_move_with_their_paths_and_what_was_there_is_gone) {
  say("a", "folder");
  say("a/x", "below");
  say("ab", "beside");
  say("A/x", "another case");
  say("b/x", "was there");
  change([](session& s) {
    move_rooms(s, "a", "b");
    return 0;
  });
  EXPECT_THAT(texts("b"), ElementsAre("folder"));
  EXPECT_THAT(texts("b/x"), ElementsAre("below"));
  EXPECT_THAT(texts("ab"), ElementsAre("beside"));
  EXPECT_THAT(texts("A/x"), ElementsAre("another case"));
  EXPECT_THAT(texts("a"), ElementsAre());
  EXPECT_THAT(texts("a/x"), ElementsAre());
}

TEST_F(talk_tables, rooms_end_with_their_paths) {
  say("a", "folder");
  say("a/é/x", "below");
  say("ab", "beside");
  EXPECT_TRUE(change([](session& s) { return has_rooms(s, "a/é"); }));
  change([](session& s) {
    remove_rooms(s, "a");
    return sweep_rooms(s, 100);
  });
  EXPECT_FALSE(change([](session& s) { return has_rooms(s, "a"); }));
  EXPECT_THAT(texts("ab"), ElementsAre("beside"));
  EXPECT_EQ(change([](session& s) {
              std::int64_t left = 0;
              s.sql() << "SELECT COUNT(*) FROM talk_message", soci::into(left);
              return left;
            }),
            1);
}

}  // namespace
}  // namespace sluice::catalog
