#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/limits.h"
#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

using names = store_test;

TEST_F(names, mkdir_makes_one_folder) {
  folder_store store = opened();
  const auto made = store.mkdir(at("a"), false, false);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(*made);
  EXPECT_TRUE(fs::is_directory(root / "a"));
  EXPECT_EQ(code_of(store.mkdir(at("a"), false, false)), errc::exists);
  EXPECT_TRUE(store.mkdir(at("a"), false, true));
  EXPECT_EQ(code_of(store.mkdir(at("x/y"), false, true)), errc::not_found);
  EXPECT_EQ(code_of(store.mkdir(rel_path(), false, false)), errc::exists);
}

TEST_F(names, mkdir_makes_the_folders_above) {
  folder_store store = opened();
  fs::create_directory(root / "a");
  EXPECT_TRUE(*store.mkdir(at("a/b/c/d"), true, false));
  EXPECT_TRUE(fs::is_directory(root / "a/b/c/d"));
  EXPECT_TRUE(*store.mkdir(at("a/b/c/d"), true, true)) << "nobody made its name durable";
  ASSERT_TRUE(store.sync_folder(at("a/b/c")));
  EXPECT_FALSE(*store.mkdir(at("a/b/c/d"), true, true));
}

TEST_F(names, mkdir_takes_no_other_thing_for_a_folder) {
  put(root / "file", "x");
  fs::create_directory_symlink(outside, root / "link");
  folder_store store = opened();
  EXPECT_EQ(code_of(store.mkdir(at("file"), true, true)), errc::exists);
  EXPECT_EQ(code_of(store.mkdir(at("link"), true, true)), errc::exists);
  EXPECT_EQ(code_of(store.mkdir(at("file/x"), true, true)), errc::not_a_file);
}

TEST_F(names, rename_moves_files_and_folders) {
  put(root / "a/file", "x");
  folder_store store = opened();
  const identity file = store.stat(at("a/file"))->id;
  ASSERT_TRUE(store.rename(at("a/file"), at("b/c/file"), {.make_parents = true}));
  EXPECT_EQ(store.stat(at("b/c/file"))->id, file);
  ASSERT_TRUE(store.rename(at("b"), at("a/b")));
  EXPECT_EQ(text_of(root / "a/b/c/file"), "x");
  EXPECT_EQ(code_of(store.rename(at("gone"), at("x"))), errc::not_found);
}

TEST_F(names, rename_overwrites_nothing_that_was_not_named) {
  put(root / "from", "new");
  put(root / "to", "old");
  fs::create_directory(root / "folder");
  fs::create_directory(root / "empty");
  folder_store store = opened();
  EXPECT_EQ(code_of(store.rename(at("from"), at("to"))), errc::exists);
  EXPECT_EQ(code_of(store.rename(at("folder"), at("empty"))), errc::exists);
  EXPECT_EQ(code_of(store.rename(at("from"), at("to"), replace({1, 2, 3}))), errc::changed);
  const identity folder = store.stat(at("folder"))->id;
  EXPECT_EQ(code_of(store.rename(at("from"), at("folder"), replace(folder))), errc::not_a_file);
  EXPECT_EQ(text_of(root / "to"), "old");
  ASSERT_TRUE(store.rename(at("from"), at("to"), replace(store.stat(at("to"))->id)));
  EXPECT_EQ(text_of(root / "to"), "new");
  EXPECT_FALSE(fs::exists(root / "from"));
}

TEST_F(names, rename_goes_not_into_itself_nor_touches_the_root) {
  fs::create_directories(root / "a/b");
  folder_store store = opened();
  EXPECT_EQ(code_of(store.rename(at("a"), at("a/b/c"))), errc::invalid_argument);
  EXPECT_EQ(code_of(store.rename(at("a"), at("a"))), errc::exists);
  EXPECT_EQ(code_of(store.rename(rel_path(), at("x"))), errc::not_allowed);
  EXPECT_EQ(code_of(store.rename(at("a"), rel_path())), errc::not_allowed);
}

TEST_F(names, rename_of_two_names_of_one_file_keeps_both) {
  put(root / "a", "x");
  fs::create_hard_link(root / "a", root / "b");
  folder_store store = opened();
  EXPECT_EQ(code_of(store.rename(at("a"), at("b"))), errc::exists);
  EXPECT_TRUE(fs::exists(root / "a"));
}

TEST_F(names, set_mtime_dates_a_folder) {
  put(root / "a/file", "x");
  folder_store store = opened();
  ASSERT_TRUE(store.set_mtime(at("a"), 1'111'111'111'222'222'222));
  EXPECT_EQ(store.stat(at("a"))->mtime_ns, 1'111'111'111'222'222'222);
  EXPECT_EQ(code_of(store.set_mtime(at("a/file"), 0)), errc::not_a_file);
}

TEST_F(names, remove_takes_one_thing) {
  put(root / "file", "x");
  put(root / "full/file", "x");
  fs::create_directory(root / "empty");
  folder_store store = opened();
  EXPECT_TRUE(store.remove(at("file"), false));
  EXPECT_TRUE(store.remove(at("empty"), false));
  EXPECT_EQ(code_of(store.remove(at("full"), false)), errc::not_empty);
  EXPECT_EQ(code_of(store.remove(at("file"), false)), errc::not_found);
  EXPECT_EQ(code_of(store.remove(rel_path(), true)), errc::not_allowed);
  EXPECT_TRUE(fs::exists(root / "full/file"));
}

TEST_F(names, remove_takes_a_tree_and_follows_no_link) {
  put(outside / "keep/me", "kept");
  put(root / "t/a/b/c", "x");
  put(root / "t/.hidden/x", "x");
  fs::create_symlink(outside / "keep/me", root / "t/a/link");
  fs::create_directory_symlink(outside / "keep", root / "t/dirlink");
  ASSERT_EQ(::mkfifo((root / "t/pipe").c_str(), 0600), 0);
  for (int i = 0; i < 400; ++i) {  // more names than one read of a folder gives
    put(root / "t/many" / (std::string(240, 'f') + std::to_string(i)), "");
  }
  folder_store store = opened();
  const auto removed = store.remove(at("t"), true);
  EXPECT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(fs::exists(root / "t"));
  EXPECT_EQ(text_of(outside / "keep/me"), "kept");
}

// Between being read and being opened, a folder is replaced by a link to one outside.
TEST_F(names, remove_is_not_led_astray_by_a_link_swapped_in) {
  put(outside / "keep/me", "kept");
  put(root / "t/victim/x", "x");
  faulty_files files;
  folder_store store = opened(files);
  bool swapped = false;
  files.before_next(file_call::getdents64, [&] {
    files.before_next(file_call::openat2, [&] {
      swapped = true;
      fs::remove_all(root / "t/victim");
      fs::create_directory_symlink(outside / "keep", root / "t/victim");
    });
  });
  const auto removed = store.remove(at("t"), true);
  EXPECT_TRUE(swapped);
  EXPECT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(fs::exists(root / "t"));
  EXPECT_EQ(text_of(outside / "keep/me"), "kept");
}

TEST_F(names, remove_takes_what_is_added_meanwhile_but_ends) {
  put(root / "t/x", "x");
  faulty_files files;
  folder_store store = opened(files);
  int added = 0;
  std::function<void()> add = [&] {
    put(root / "t" / ("new" + std::to_string(++added)), "x");
    files.before_next(file_call::unlinkat, add);
  };
  files.before_next(file_call::unlinkat, add);
  EXPECT_EQ(code_of(store.remove(at("t"), true)), errc::not_empty);
  EXPECT_GE(added, 8);
}

TEST_F(names, remove_goes_64_folders_deep) {
  fs::path deep = root / "t";
  for (std::size_t i = 1; i < base::path_parts_max; ++i) deep /= "d";
  fs::create_directories(deep);
  folder_store store = opened();
  EXPECT_TRUE(store.remove(at("t"), true));
  fs::create_directories(deep / "d");
  EXPECT_EQ(code_of(store.remove(at("t"), true)), errc::invalid_argument);
}

TEST_F(names, remove_works_while_interrupted_and_tells_faults) {
  put(root / "t/a/b", "x");
  faulty_files files;
  folder_store store = opened(files);
  files.fail_next(file_call::unlinkat, -EIO);
  EXPECT_EQ(code_of(store.remove(at("t"), true)), errc::io);
  files.interrupt(true);
  EXPECT_TRUE(store.remove(at("t"), true));
  EXPECT_FALSE(fs::exists(root / "t"));
}

}  // namespace
}  // namespace sluice::store
