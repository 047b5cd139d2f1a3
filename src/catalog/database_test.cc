#include "catalog/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <future>
#include <latch>

#include "catalog/query.h"
#include "catalog/schema.h"
#include "catalog/test_folder.h"
#include "catalog/uploads.h"

namespace sluice::catalog {
namespace {

using testing::HasSubstr;

result<void> add_number(session& s, int number) {
  const int below = -number;
  query(s, "INSERT INTO migration (version, applied_s) VALUES (:n, 0)").in(below).run();
  return {};
}

// Numbers below the schema's own, which the tests write into the one table that is always there.
int count_numbers(database& db) {
  auto counted = db.read([](session& s) {
    int count = 0;
    query q(s, "SELECT COUNT(*) FROM migration WHERE version <= -1000");
    q.out(count);
    q.next();
    return count;
  });
  EXPECT_TRUE(counted) << counted.error().message();
  return counted.value_or(-1);
}

database::operation add(int number) {
  return [number](session& s) { return add_number(s, number); };
}

TEST(database, files_are_private) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(db->write(add(1000)));
  for (const char* name : {"catalog.db", "catalog.db-wal", "catalog.db-shm"}) {
    struct stat st{};
    ASSERT_EQ(::stat((where.path() / name).c_str(), &st), 0) << name;
    EXPECT_EQ(st.st_mode & 0777, 0600U) << name;
  }
}

TEST(database, writes_are_synced_in_a_write_ahead_log) {
  test::folder where;
  auto db = test::open_in(where);
  auto modes = db->read([](session& s) {
    std::pair<std::string, int> found;
    s.sql() << "PRAGMA journal_mode", soci::into(found.first);
    s.sql() << "PRAGMA synchronous", soci::into(found.second);
    return found;
  });
  ASSERT_TRUE(modes);
  EXPECT_EQ(modes->first, "wal");
  EXPECT_EQ(modes->second, 2);
}

TEST(database, keeps_what_was_written_when_opened_again) {
  test::folder where;
  ASSERT_TRUE(test::open_in(where)->write(add(1000)));
  EXPECT_EQ(count_numbers(*test::open_in(where)), 1);
}

TEST(database, what_waits_is_committed_together_and_called_back_in_order) {
  test::folder where;
  auto db = test::open_in(where);
  const auto before = db->commits();
  std::latch first_runs(1), all_wait(1);
  std::vector<int> order;
  db->write(
      [&](session&) -> result<void> {
        first_runs.count_down();
        all_wait.wait();
        return {};
      },
      [&](result<void>) { order.push_back(0); });
  first_runs.wait();
  for (int i = 1; i <= 100; ++i) {
    db->write(add(1000 + i), [&order, i](result<void> r) {
      EXPECT_TRUE(r);
      order.push_back(i);
    });
  }
  all_wait.count_down();
  db.reset();  // waits for all
  ASSERT_EQ(order.size(), 101U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  db = test::open_in(where);
  EXPECT_EQ(count_numbers(*db), 100);
  EXPECT_EQ(before, 0U);
}

TEST(database, one_transaction_holds_all_that_waited) {
  test::folder where;
  auto db = test::open_in(where);
  std::latch first_runs(1), all_wait(1);
  db->write(
      [&](session&) -> result<void> {
        first_runs.count_down();
        all_wait.wait();
        return {};
      },
      [](result<void>) {});
  first_runs.wait();
  for (int i = 0; i < 99; ++i) db->write(add(1000 + i), [](result<void>) {});
  std::promise<void> last;
  db->write(add(1099), [&](result<void>) { last.set_value(); });
  all_wait.count_down();
  last.get_future().wait();
  EXPECT_EQ(db->commits(), 2U);
}

TEST(database, a_failed_operation_takes_only_itself_back) {
  test::folder where;
  auto db = test::open_in(where);
  std::latch first_runs(1), all_wait(1);
  db->write(
      [&](session&) -> result<void> {
        first_runs.count_down();
        all_wait.wait();
        return {};
      },
      [](result<void>) {});
  first_runs.wait();
  std::vector<result<void>> outcomes(4);
  const auto keep = [&](std::size_t i) {
    return [&outcomes, i](result<void> r) { outcomes[i] = r; };
  };
  db->write(add(1001), keep(0));
  db->write(
      [](session& s) -> result<void> {
        (void)add_number(s, 1002);
        return add_number(s, 1001);  // taken: SQL throws
      },
      keep(1));
  db->write(
      [](session& s) -> result<void> {
        (void)add_number(s, 1003);
        return fail(errc::not_found, "the operation itself says no");
      },
      keep(2));
  db->write(add(1004), keep(3));
  all_wait.count_down();
  ASSERT_TRUE(db->write(add(1005)));
  EXPECT_TRUE(outcomes[0]);
  ASSERT_FALSE(outcomes[1]);
  EXPECT_EQ(outcomes[1].error().code, errc::conflict);
  ASSERT_FALSE(outcomes[2]);
  EXPECT_EQ(outcomes[2].error().code, errc::not_found);
  EXPECT_TRUE(outcomes[3]);
  EXPECT_EQ(count_numbers(*db), 3);  // 1001, 1004, 1005
}

TEST(database, the_queue_is_bounded) {
  test::folder where;
  auto db = test::open_in(where, {.max_waiting = 4});
  std::latch first_runs(1), all_wait(1);
  db->write(
      [&](session&) -> result<void> {
        first_runs.count_down();
        all_wait.wait();
        return {};
      },
      [](result<void>) {});
  first_runs.wait();
  for (int i = 0; i < 4; ++i) db->write(add(1000 + i), [](result<void>) {});
  auto fifth = std::async(std::launch::async, [&] { db->write(add(1004), [](result<void>) {}); });
  // At the limit the next caller waits; it can only go on once the first is out of the queue.
  EXPECT_EQ(fifth.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  all_wait.count_down();
  fifth.get();
  ASSERT_TRUE(db->write(add(1005)));
  EXPECT_EQ(count_numbers(*db), 6);
}

TEST(database, a_callback_may_queue_the_next_step_though_the_queue_is_full) {
  test::folder where;
  auto db = test::open_in(where, {.max_waiting = 1});
  std::promise<void> ended;
  db->write(add(1000), [&](result<void>) {
    for (int i = 1; i < 10; ++i) db->write(add(1000 + i), [](result<void>) {});
    db->write(add(1010), [&](result<void>) { ended.set_value(); });
  });
  ended.get_future().wait();
  EXPECT_EQ(count_numbers(*db), 11);
}

TEST(database, readers_see_the_last_commit_while_a_write_goes_on) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(db->write(add(1000)));
  std::latch written(1), go_on(1);
  std::promise<void> ended;
  db->write(
      [&](session& s) -> result<void> {
        auto r = add_number(s, 1001);
        written.count_down();
        go_on.wait();
        return r;
      },
      [&](result<void>) { ended.set_value(); });
  written.wait();
  EXPECT_EQ(count_numbers(*db), 1);
  go_on.count_down();
  ended.get_future().wait();
  EXPECT_EQ(count_numbers(*db), 2);
}

TEST(database, a_read_that_stops_early_holds_no_snapshot) {
  test::folder where;
  auto db = test::open_in(where, {.readers = 1});
  ASSERT_TRUE(db->write(add(1000)));
  ASSERT_TRUE(db->write(add(1001)));
  auto first = db->read([](session& s) {
    int version = 0;
    query q(s, "SELECT version FROM migration ORDER BY version");
    q.out(version);
    q.next();
    return version;
  });
  ASSERT_TRUE(first);
  ASSERT_TRUE(db->write(add(1002)));
  EXPECT_EQ(count_numbers(*db), 3);
}

// A data folder of the first version, with an upload under way.
TEST(database, brings_an_older_catalog_up_to_date) {
  test::folder where;
  {
    auto db = test::open_in(where);
    ASSERT_TRUE(db->write([](session& s) -> result<void> {
      s.run("DROP INDEX upload_by_whole");
      for (const char* column :
           {"form", "tail_end", "tail_digest", "note", "part_of", "part_index", "owner"}) {
        s.run(std::string("ALTER TABLE upload DROP COLUMN ") + column);
      }
      for (const char* table :
           {"talk_message", "talk_room", "talk_change", "access_link", "allowance", "poster",
            "access_token", "account_grant", "account"}) {
        s.run(std::string("DROP TABLE ") + table);
      }
      s.run("DELETE FROM migration WHERE version > 1");
      s.run(
          "INSERT INTO upload (id, path, size_bytes, mtime_ns, executable, make_parents, "
          "created_s, active_s, idle_s, state) VALUES ('a1', 'a', 5, 6, 0, 1, 7, 8, 9, 0)");
      return {};
    }));
  }
  auto db = test::open_in(where);
  const auto row = db->read([](session& s) { return find_upload(s, "a1"); });
  ASSERT_TRUE(row);
  ASSERT_TRUE(*row);
  EXPECT_EQ((*row)->size_bytes, 5U);
  EXPECT_EQ((*row)->idle_s, 9);
  EXPECT_EQ((*row)->form, upload_form::blocks);
  EXPECT_EQ((*row)->part_of, "");
  EXPECT_EQ((*row)->owner, "");
  ASSERT_TRUE(db->write([](session& s) -> result<void> {
    EXPECT_TRUE(set_tail(s, "a1", held_tail{3, test::digest_from(1)}, 10));
    return {};
  }));
}

TEST(database, a_failed_read_is_a_result) {
  test::folder where;
  auto db = test::open_in(where);
  auto found = db->read([](session& s) { query(s, "SELECT nothing FROM nowhere").next(); });
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().context, HasSubstr("nowhere"));
  EXPECT_EQ(count_numbers(*db), 0);
}

TEST(database, a_full_disk_fails_the_batch_and_not_the_catalog) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(db->write([](session& s) -> result<void> {
    int pages = 0;
    s.sql() << "PRAGMA page_count", soci::into(pages);
    s.run("PRAGMA max_page_count = " + std::to_string(pages + 2));
    return {};
  }));
  const std::string big(100'000, 'x');
  auto full = db->write([&](session& s) -> result<void> {
    query(s,
          "INSERT INTO upload (id, path, mtime_ns, executable, make_parents, created_s, active_s, "
          "idle_s, state)"
          " VALUES ('a', :path, 0, 0, 0, 0, 0, 0, 0)")
        .in(big)
        .run();
    return {};
  });
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, errc::no_space);
  ASSERT_TRUE(db->write(add(1000)));
  EXPECT_EQ(count_numbers(*db), 1);
}

TEST(database, a_catalog_that_is_none_is_refused_with_advice) {
  test::folder where;
  std::ofstream(where.path() / "catalog.db") << std::string(8192, 'x');
  auto opened = database::open(where.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::io);
  EXPECT_THAT(opened.error().context, HasSubstr("catalog.db"));
  EXPECT_THAT(opened.error().context, HasSubstr("move it"));
}

TEST(database, a_damaged_catalog_is_refused_with_advice) {
  test::folder where;
  {
    auto db = test::open_in(where);
    for (int i = 0; i < 2000; ++i) db->write(add(1000 + i), [](result<void>) {});
  }
  const auto file = where.path() / "catalog.db";
  const auto size = std::filesystem::file_size(file);
  ASSERT_GT(size, 20'000U);
  std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(static_cast<std::streamoff>(4096));
  damaged << std::string(size - 4096, '\x55');
  damaged.close();
  auto opened = database::open(where.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::io);
  EXPECT_THAT(opened.error().context, HasSubstr("move it"));
}

TEST(database, a_catalog_of_a_newer_program_is_refused) {
  test::folder where;
  const int newer = schema_version() + 1;
  ASSERT_TRUE(test::open_in(where)->write(add(-newer)));
  auto opened = database::open(where.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::unsupported);
  EXPECT_THAT(opened.error().context, HasSubstr("version " + std::to_string(newer)));
}

TEST(database, a_folder_that_is_not_there_is_an_error) {
  test::folder where;
  auto opened = database::open(where.path() / "none");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::not_found);
}

TEST(database, a_path_with_spaces_and_equal_signs_opens) {
  test::folder where;
  const auto odd = where.path() / "a b  c=d";
  std::filesystem::create_directory(odd);
  auto opened = database::open(odd);
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_TRUE(std::filesystem::exists(odd / "catalog.db-wal"));
}

}  // namespace
}  // namespace sluice::catalog
