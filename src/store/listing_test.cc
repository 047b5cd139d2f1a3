#include "store/listing.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/limits.h"
#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

class listings : public store_test {
 protected:
  static std::vector<std::string> names_of(listing& walk, std::size_t page_size) {
    std::vector<std::string> names;
    for (bool more = true; more;) {
      auto page = walk.next(page_size);
      EXPECT_TRUE(page) << page.error().message();
      if (!page) break;
      EXPECT_LE(page->entries.size(), page_size);
      for (const entry& seen : page->entries) names.push_back(seen.name);
      more = page->more;
    }
    return names;
  }
  static std::vector<std::string> names_in(const folder_store& store, std::string_view folder,
                                           const list_options& options = {},
                                           std::size_t page_size = 100) {
    auto walk = store.list(at(folder), options);
    EXPECT_TRUE(walk) << walk.error().message();
    return walk ? names_of(*walk, page_size) : std::vector<std::string>{};
  }
};

using names = std::vector<std::string>;

TEST_F(listings, are_in_byte_order_and_complete) {
  for (const char* name : {"b", "a", "B", "\u6c34", "a b", "a.txt"}) put(root / name, "x");
  fs::create_directory(root / "ab");
  const folder_store store = opened();
  EXPECT_EQ(names_in(store, ""), (names{"B", "a", "a b", "a.txt", "ab", "b", "\u6c34"}));
  auto page = store.list(rel_path())->next(100);
  EXPECT_EQ(page->entries[1], *store.stat(at("a")));
  EXPECT_EQ(page->entries[4].kind, entry_kind::folder);
}

TEST_F(listings, leave_out_what_is_not_served) {
  put(root / "seen", "x");
  put(root / ".hidden", "x");
  put(root / ".folder/x", "x");
  put(root / "bad\x01name", "x");
  put(root / "bad\xff", "x");
  put(root / "back\\slash", "x");
  fs::create_symlink("seen", root / "link");
  fs::create_directory_symlink(outside, root / "outlink");
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  folder_store store = opened();
  const auto made = store.create_partial(id(1), 0);
  EXPECT_EQ(names_in(store, ""), names{"seen"});
  EXPECT_EQ(names_in(store, "", {.recursive = true}), names{"seen"});
}

TEST_F(listings, recursive_ones_tell_a_folder_before_what_it_holds) {
  for (const char* name : {"a/x", "a/b/y", "a/b/z", "a.txt", "c/d/e/f"}) put(root / name, "x");
  const folder_store store = opened();
  const names all{"a", "a/b", "a/b/y", "a/b/z", "a/x", "a.txt", "c", "c/d", "c/d/e", "c/d/e/f"};
  EXPECT_EQ(names_in(store, "", {.recursive = true}), all);
  EXPECT_EQ(names_in(store, "", {.recursive = true}, 1), all);
  EXPECT_EQ(names_in(store, "c/d", {.recursive = true}), (names{"e", "e/f"}));
}

TEST_F(listings, go_on_behind_any_name) {
  for (const char* name : {"a/x", "a/b/y", "a/b/z", "a.txt", "c/d/e/f"}) put(root / name, "x");
  const folder_store store = opened();
  const names all = names_in(store, "", {.recursive = true});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const names rest(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end());
    EXPECT_EQ(names_in(store, "", {.recursive = true, .after = all[i]}), rest) << all[i];
  }
  // Behind names that are gone, or never were.
  EXPECT_EQ(names_in(store, "", {.recursive = true, .after = "a/b/yy/q"}),
            (names{"a/b/z", "a/x", "a.txt", "c", "c/d", "c/d/e", "c/d/e/f"}));
  EXPECT_EQ(names_in(store, "", {.recursive = true, .after = "b/gone"}),
            (names{"c", "c/d", "c/d/e", "c/d/e/f"}));
  EXPECT_EQ(names_in(store, "", {.after = "a"}), (names{"a.txt", "c"}));
  EXPECT_EQ(names_in(store, "", {.after = "zz"}), names{});
  EXPECT_EQ(code_of(store.list(rel_path(), {.after = "../x"})), errc::invalid_argument);
}

TEST_F(listings, an_empty_folder_has_one_empty_page) {
  const folder_store store = opened();
  const auto page = store.list(rel_path())->next(10);
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->entries.empty());
  EXPECT_FALSE(page->more);
}

TEST_F(listings, the_last_page_says_so) {
  for (const char* name : {"a", "b", "c", "d"}) put(root / name, "x");
  const folder_store store = opened();
  auto walk = *store.list(rel_path());
  EXPECT_TRUE(walk.next(2)->more);
  EXPECT_FALSE(walk.next(2)->more);
  EXPECT_TRUE(walk.next(2)->entries.empty());
}

// As many names as the walk holds at once, one more, and many more, made in random order.
TEST_F(listings, a_folder_larger_than_the_window_is_told_whole) {
  constexpr std::size_t count = 1'000;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  names all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("f" + std::to_string(i));
  std::ranges::shuffle(all, std::mt19937(seed));
  fs::create_directory(root / "many");
  for (const std::string& name : all) put(root / "many" / name, "");
  std::ranges::sort(all);
  const folder_store store = opened();
  for (const std::size_t window : {count, count - 1, count / 7, std::size_t{1}}) {
    SCOPED_TRACE(window);
    EXPECT_TRUE(names_in(store, "many", {.window_names = window}, 300) == all);
    const names tail(all.end() - 5, all.end());
    EXPECT_EQ(names_in(store, "many", {.after = all[count - 6], .window_names = window}), tail);
    if (window == 1) break;
  }
}

// A walk opens the folder to hold it, and again for each window that it reads.
TEST_F(listings, a_folder_is_read_once_a_window) {
  for (int i = 0; i < 100; ++i) put(root / ("f" + std::to_string(i)), "");
  faulty_files files;
  const folder_store store = opened(files);
  const int before = files.count(file_call::openat2);
  EXPECT_EQ(names_in(store, "", {.window_names = 100}).size(), 100u);
  EXPECT_EQ(files.count(file_call::openat2), before + 2);
  EXPECT_EQ(names_in(store, "", {.window_names = 50}).size(), 100u);
  EXPECT_EQ(files.count(file_call::openat2), before + 5);
}

// Of a folder above, fewer names are kept than it has: they are read again and none is lost.
TEST_F(listings, a_walk_comes_back_to_a_large_folder_above) {
  constexpr std::size_t folders = 100;
  for (std::size_t i = 0; i < folders; ++i) fs::create_directory(root / std::to_string(100 + i));
  put(root / "100/x", "x");
  put(root / "103/y", "y");
  const folder_store store = opened();
  const names told = names_in(store, "", {.recursive = true, .window_names = 128}, 7);
  EXPECT_EQ(told.size(), folders + 2);
  EXPECT_EQ(told[1], "100/x");
  EXPECT_EQ(told[5], "103/y");
  EXPECT_EQ(std::ranges::adjacent_find(told), told.end());
}

TEST_F(listings, names_that_no_request_can_carry_are_left_out) {
  fs::path deep = root;
  for (std::size_t i = 0; i < base::path_parts_max + 2; ++i) {
    deep /= "d";
    fs::create_directory(deep);
  }
  const folder_store store = opened();
  const names told = names_in(store, "", {.recursive = true});
  EXPECT_EQ(told.size(), base::path_parts_max);
  EXPECT_TRUE(rel_path::parse(told.back()));
}

TEST_F(listings, go_on_while_names_vanish) {
  for (int i = 0; i < 20; ++i) put(root / ("f" + std::to_string(10 + i)), "x");
  put(root / "g/x", "x");
  faulty_files files;
  const folder_store store = opened(files);
  auto walk = *store.list(rel_path(), {.recursive = true});
  ASSERT_EQ(walk.next(3)->entries.size(), 3u);
  for (int i = 5; i < 20; ++i) fs::remove(root / ("f" + std::to_string(10 + i)));
  fs::remove_all(root / "g");
  EXPECT_EQ(names_of(walk, 2), (names{"f13", "f14"}));
}

// A folder that became a link between being told and being entered.
TEST_F(listings, a_link_swapped_in_is_not_entered) {
  put(outside / "secret", "s");
  put(root / "a/x", "x");
  faulty_files files;
  const folder_store store = opened(files);
  auto walk = *store.list(rel_path(), {.recursive = true});
  files.before_next(file_call::statx, [&] {
    files.before_next(file_call::openat2, [&] {
      fs::remove_all(root / "a");
      fs::create_directory_symlink(outside, root / "a");
    });
  });
  EXPECT_EQ(names_of(walk, 10), names{"a"});
}

TEST_F(listings, a_failing_read_is_told) {
  faulty_files files;
  const folder_store store = opened(files);
  auto walk = *store.list(rel_path());
  files.fail_next(file_call::getdents64, -EIO);
  EXPECT_EQ(code_of(walk.next(10)), errc::io);
}

TEST_F(listings, work_while_calls_are_interrupted) {
  for (const char* name : {"a/x", "a/b/y", "c"}) put(root / name, "x");
  faulty_files files;
  const folder_store store = opened(files);
  files.interrupt(true);
  EXPECT_EQ(names_in(store, "", {.recursive = true}, 2), (names{"a", "a/b", "a/b/y", "a/x", "c"}));
}

}  // namespace
}  // namespace sluice::store
