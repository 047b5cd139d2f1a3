#include "catalog/content.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <iostream>

#include "catalog/database.h"
#include "catalog/test_folder.h"

namespace sluice::catalog {
namespace {

using test::digest_from;

content_row row_of(std::uint64_t ino, std::size_t blocks) {
  content_row row{{42, ino, 1'700'000'000'000'000'000}, blocks << 20, 7, {}, std::nullopt};
  for (std::size_t i = 0; i < blocks; ++i) row.digests.push_back(digest_from(ino * 1000 + i));
  return row;
}

result<void> put(database& db, const content_row& row) {
  return db.write([&](session& s) -> result<void> {
    put_content(s, row);
    return {};
  });
}

std::optional<content_row> find(database& db, const content_row& like) {
  auto found = db.read(
      [&](session& s) { return find_content(s, like.file, like.size_bytes, like.mtime_ns); });
  EXPECT_TRUE(found) << found.error().message();
  return found.value_or(std::nullopt);
}

TEST(content, is_found_again) {
  test::folder where;
  auto db = test::open_in(where);
  auto row = row_of(5, 300);
  row.sha256.emplace().fill(std::byte{0x00});  // bytes of zero are bytes
  row.sha256->back() = std::byte{0x7f};
  ASSERT_TRUE(put(*db, row));
  const auto found = find(*db, row);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->digests, row.digests);
  EXPECT_EQ(found->sha256, row.sha256);
}

TEST(content, of_an_empty_file_is_known_and_has_no_digests) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(put(*db, row_of(5, 0)));
  const auto found = find(*db, row_of(5, 0));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->digests.empty());
  EXPECT_FALSE(found->sha256);
}

TEST(content, counts_only_for_the_same_file_size_and_time) {
  test::folder where;
  auto db = test::open_in(where);
  const auto row = row_of(5, 3);
  ASSERT_TRUE(put(*db, row));
  for (int what = 0; what < 5; ++what) {
    auto other = row;
    if (what == 0) other.file.dev += 1;
    if (what == 1) other.file.ino += 1;
    if (what == 2) other.file.btime_ns += 1;
    if (what == 3) other.size_bytes += 1;
    if (what == 4) other.mtime_ns += 1;
    EXPECT_FALSE(find(*db, other)) << what;
  }
  EXPECT_TRUE(find(*db, row));
}

TEST(content, the_newest_row_replaces_the_one_before) {
  test::folder where;
  auto db = test::open_in(where);
  auto row = row_of(5, 3);
  row.sha256.emplace();
  ASSERT_TRUE(put(*db, row));
  auto changed = row_of(5, 4);
  changed.mtime_ns = 8;
  ASSERT_TRUE(put(*db, changed));
  EXPECT_FALSE(find(*db, row));
  const auto found = find(*db, changed);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->digests, changed.digests);
  EXPECT_FALSE(found->sha256);
}

TEST(content, is_forgotten) {
  test::folder where;
  auto db = test::open_in(where);
  const auto row = row_of(5, 3);
  ASSERT_TRUE(put(*db, row));
  ASSERT_TRUE(put(*db, row_of(6, 1)));
  ASSERT_TRUE(db->write([&](session& s) -> result<void> {
    remove_content(s, row.file);
    remove_content(s, row.file);
    return {};
  }));
  EXPECT_FALSE(find(*db, row));
  EXPECT_TRUE(find(*db, row_of(6, 1)));
}

TEST(content, numbers_use_all_their_bits) {
  test::folder where;
  auto db = test::open_in(where);
  content_row row{{~0ULL, 1ULL << 63, -1}, (1ULL << 63) - 1, -5'000'000'000, {}, std::nullopt};
  ASSERT_TRUE(put(*db, row));
  EXPECT_TRUE(find(*db, row));
}

// In memory, so that other users of the disk are not what is measured.
TEST(content, ten_thousand_small_rows_take_well_under_a_second) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "no /dev/shm";
  test::folder where("/dev/shm");
  auto db = test::open_in(where);
  constexpr std::size_t rows = 10'000;
  const auto start = std::chrono::steady_clock::now();
  std::promise<void> last;
  for (std::size_t i = 0; i < rows; ++i) {
    db->write(
        [row = row_of(i, 1)](session& s) -> result<void> {
          put_content(s, row);
          return {};
        },
        [&last, i](result<void> r) {
          EXPECT_TRUE(r);
          if (i + 1 == rows) last.set_value();
        });
  }
  last.get_future().wait();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << "10,000 content rows: " << took.count() << " s, " << db->commits() << " commits\n";
  EXPECT_LT(took.count(), 1.0);  // alone it takes 0.03 s
  EXPECT_TRUE(find(*db, row_of(rows - 1, 1)));
}

}  // namespace
}  // namespace sluice::catalog
