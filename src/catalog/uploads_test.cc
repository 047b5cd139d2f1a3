#include "catalog/uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/database.h"
#include "catalog/test_folder.h"

namespace sluice::catalog {
namespace {

using test::digest_from;
using testing::ElementsAre;

upload_row row_of(const std::string& id, const std::string& path) {
  upload_row row;
  row.id = id;
  row.path = path;
  row.size_bytes = 5'000'000'000'000;
  row.mtime_ns = -12;
  row.created_s = 100;
  row.active_s = 100;
  return row;
}

class uploads : public testing::Test {
 protected:
  template <class F>
  void write(F f) {
    auto written = db_->write([&](session& s) -> result<void> {
      f(s);
      return {};
    });
    ASSERT_TRUE(written) << written.error().message();
  }
  template <class F>
  auto read(F f) {
    auto found = db_->read(f);
    EXPECT_TRUE(found) << found.error().message();
    return *std::move(found);
  }
  std::optional<upload_row> find(const std::string& id) {
    return read([&](session& s) { return find_upload(s, id); });
  }

  test::folder where_;
  std::unique_ptr<database> db_ = test::open_in(where_);
};

TEST_F(uploads, a_row_is_found_as_it_was_written) {
  auto row = row_of("a1", "films/Überfahrt 中.mp4");
  row.executable = true;
  row.replaces = {77, -1};
  row.make_parents = true;
  row.file = {~0ULL, 2, 3};
  write([&](session& s) { insert_upload(s, row); });
  const auto found = find("a1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, row.path);
  EXPECT_EQ(found->size_bytes, row.size_bytes);
  EXPECT_EQ(found->mtime_ns, -12);
  EXPECT_TRUE(found->executable);
  EXPECT_EQ(found->replaces, row.replaces);
  EXPECT_TRUE(found->make_parents);
  EXPECT_EQ(found->created_s, 100);
  EXPECT_EQ(found->state, upload_state::open);
  EXPECT_EQ(found->file, row.file);
  EXPECT_FALSE(find("a2"));
}

TEST_F(uploads, the_size_may_be_unknown) {
  auto row = row_of("a", "x");
  row.size_bytes = std::nullopt;
  write([&](session& s) { insert_upload(s, row); });
  ASSERT_TRUE(find("a"));
  EXPECT_FALSE(find("a")->size_bytes);
  EXPECT_FALSE(find("a")->replaces);
}

TEST_F(uploads, size_and_wishes_may_come_later) {
  auto row = row_of("a", "x");
  row.size_bytes = std::nullopt;
  write([&](session& s) { insert_upload(s, row); });
  row.executable = row.make_parents = true;
  row.replaces = {1, 2};
  write([&](session& s) {
    set_size(s, "a", 99);
    set_wishes(s, row);
  });
  const auto found = find("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size_bytes, 99U);
  EXPECT_TRUE(found->executable && found->make_parents);
  EXPECT_EQ(found->replaces, row.replaces);
}

TEST_F(uploads, an_id_is_taken_once) {
  write([&](session& s) { insert_upload(s, row_of("a", "x")); });
  auto again = db_->write([&](session& s) -> result<void> {
    insert_upload(s, row_of("a", "y"));
    return {};
  });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
  EXPECT_EQ(find("a")->path, "x");
}

TEST_F(uploads, blocks_come_back_in_order_with_their_last_digest) {
  write([&](session& s) { insert_upload(s, row_of("a", "x")); });
  write([&](session& s) { insert_upload(s, row_of("b", "x")); });
  write([&](session& s) {
    EXPECT_TRUE(add_blocks(s, "a", {{7, digest_from(7)}, {2, digest_from(2)}}, 200));
    EXPECT_TRUE(add_blocks(s, "b", {{1, digest_from(100)}}, 200));
    EXPECT_TRUE(add_blocks(s, "a", {{2, digest_from(22)}, {1ULL << 40, digest_from(3)}}, 300));
  });
  const auto blocks = read([](session& s) { return blocks_of(s, "a"); });
  EXPECT_THAT(blocks, ElementsAre(held_block{2, digest_from(22)}, held_block{7, digest_from(7)},
                                  held_block{1ULL << 40, digest_from(3)}));
  EXPECT_EQ(find("a")->active_s, 300);
  write([](session& s) { remove_block(s, "a", 7); });
  EXPECT_EQ(read([](session& s) { return blocks_of(s, "a"); }).size(), 2U);
}

TEST_F(uploads, blocks_of_no_upload_are_refused) {
  write([&](session& s) { EXPECT_FALSE(add_blocks(s, "a", {{0, digest_from(0)}}, 200)); });
  EXPECT_TRUE(read([](session& s) { return blocks_of(s, "a"); }).empty());
}

TEST_F(uploads, open_ones_of_a_name_newest_first) {
  auto older = row_of("a", "x"), newer = row_of("b", "x"), other = row_of("c", "y");
  newer.created_s = 200;
  auto done = row_of("d", "x");
  done.state = upload_state::done;
  write([&](session& s) {
    for (const auto& row : {older, newer, other, done}) insert_upload(s, row);
  });
  const auto found = read([](session& s) { return open_uploads_of(s, "x"); });
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, "b");
  EXPECT_EQ(found[1].id, "a");
  EXPECT_EQ(read([](session& s) { return all_uploads(s); }).size(), 4U);
}

TEST_F(uploads, done_keeps_the_row_and_forgets_the_blocks) {
  write([&](session& s) {
    insert_upload(s, row_of("a", "x"));
    EXPECT_TRUE(add_blocks(s, "a", {{0, digest_from(0)}}, 200));
    EXPECT_TRUE(set_state(s, "a", upload_state::publishing, 9, {1, 2, 3}));
  });
  EXPECT_EQ(find("a")->state, upload_state::publishing);
  EXPECT_EQ(read([](session& s) { return blocks_of(s, "a"); }).size(), 1U);
  write([&](session& s) { EXPECT_TRUE(set_state(s, "a", upload_state::done, 9, {1, 2, 3})); });
  ASSERT_TRUE(find("a"));
  EXPECT_EQ(find("a")->state, upload_state::done);
  EXPECT_EQ(find("a")->size_bytes, 9U);
  EXPECT_EQ(find("a")->file, (file_identity{1, 2, 3}));
  EXPECT_TRUE(read([](session& s) { return blocks_of(s, "a"); }).empty());
  write([&](session& s) { EXPECT_FALSE(set_state(s, "z", upload_state::done, 9, {})); });
}

TEST_F(uploads, removing_one_removes_its_blocks) {
  write([&](session& s) {
    insert_upload(s, row_of("a", "x"));
    EXPECT_TRUE(add_blocks(s, "a", {{0, digest_from(0)}}, 200));
    remove_upload(s, "a");
  });
  EXPECT_FALSE(find("a"));
  EXPECT_TRUE(read([](session& s) { return blocks_of(s, "a"); }).empty());
}

TEST_F(uploads, idle_time_adds_up_and_activity_ends_it) {
  write([&](session& s) {
    insert_upload(s, row_of("a", "x"));
    insert_upload(s, row_of("b", "y"));
    add_idle_time(s, 3600);
    add_idle_time(s, 60);
    EXPECT_TRUE(add_blocks(s, "b", {}, 500));
  });
  EXPECT_EQ(find("a")->idle_s, 3660);
  EXPECT_EQ(find("b")->idle_s, 0);
}

TEST_F(uploads, keep_their_form_note_and_place_among_parts) {
  auto row = row_of("a1", "");
  row.form = upload_form::part;
  row.note = "filename ZmlsbS5tcDQ=";
  write([&](session& s) { insert_upload(s, row); });
  write([&](session& s) { insert_upload(s, row_of("a2", "a")); });
  EXPECT_EQ(find("a1")->form, upload_form::part);
  EXPECT_EQ(find("a1")->note, row.note);
  EXPECT_EQ(find("a2")->form, upload_form::blocks);
  write([&](session& s) {
    EXPECT_TRUE(set_part_of(s, "a1", "b", 7));
    EXPECT_TRUE(set_part_of(s, "a2", "b", 2));
    EXPECT_FALSE(set_part_of(s, "a3", "b", 1));
  });
  const auto parts = read([](session& s) { return parts_of(s, "b"); });
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].id, "a2");
  EXPECT_EQ(parts[1].id, "a1");
  EXPECT_EQ(parts[1].part_index, 7U);
}

TEST_F(uploads, have_one_tail_or_none) {
  write([](session& s) { insert_upload(s, row_of("a1", "a")); });
  const auto tail = [this] { return read([](session& s) { return tail_of(s, "a1"); }); };
  EXPECT_FALSE(tail());
  const held_tail first{100, digest_from(1)};
  const held_tail second{5'000'000'000'000, digest_from(2)};
  for (const auto& one : {first, second}) {
    write([&](session& s) { EXPECT_TRUE(set_tail(s, "a1", one, 200)); });
    EXPECT_EQ(tail(), one);
  }
  EXPECT_EQ(find("a1")->active_s, 200);
  write([](session& s) { add_idle_time(s, 5); });
  write([](session& s) { EXPECT_TRUE(set_tail(s, "a1", std::nullopt, 300)); });
  EXPECT_EQ(find("a1")->idle_s, 0);
  EXPECT_FALSE(tail());
  write([&](session& s) { EXPECT_FALSE(set_tail(s, "gone", first, 200)); });
}

}  // namespace
}  // namespace sluice::catalog
