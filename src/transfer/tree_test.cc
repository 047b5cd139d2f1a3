#include "transfer/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/forwarding_files.h"
#include "transfer/names.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;
using testing::ElementsAre;

class a_tree : public testing::Test {
 protected:
  void put(const std::string& path, const bytes& content) {
    small_file wanted(unasked(path));
    wanted.make_parents = true;
    std::promise<result<store::entry>> told;
    world_.small().put(wanted, content, base::digest_of(content),
                       [&](auto entry) { told.set_value(std::move(entry)); });
    value(told.get_future().get());
  }
  bool knows(const store::entry& file) {
    value(world_.catalog().write([](catalog::session&) -> result<void> { return {}; }));
    return value(world_.catalog().read([&](catalog::session& s) {
             return catalog::find_content(s, to_catalog(file.id), file.size_bytes, file.mtime_ns);
           }))
        .has_value();
  }
  std::vector<std::string> names(const std::string& path, bool recursive) {
    auto listing = value(world_.tree().list(path, {.recursive = recursive, .after = {}}));
    std::vector<std::string> found;
    for (const auto& one : value(listing.next(100)).entries) found.push_back(one.name);
    return found;
  }
  world world_;
  test::unasked_tree tree_ = world_.tree();
};

TEST_F(a_tree, is_listed_and_looked_at) {
  put("x/b", content_of(3));
  put("a", content_of(2));
  EXPECT_THAT(names("", false), ElementsAre("a", "x"));
  EXPECT_THAT(names("", true), ElementsAre("a", "x", "x/b"));
  EXPECT_EQ(value(tree_.stat("x/b")).size_bytes, 3U);
  EXPECT_EQ(value(tree_.stat("x")).kind, store::entry_kind::folder);
  EXPECT_FAILS(tree_.stat("y"), errc::not_found);
  EXPECT_FAILS(tree_.stat(".sluice"), errc::not_allowed);
}

TEST_F(a_tree, keeps_what_is_known_of_a_renamed_file) {
  const auto content = content_of(100);
  put("x/a", content);
  const auto before = value(tree_.stat("x/a"));
  const auto after = value(tree_.rename("x/a", "b", {}));
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(value(world_.downloads().open("b"))->recorded(0), base::digest_of(content));
  EXPECT_FAILS(tree_.rename("x/a", "c", {}), errc::not_found);
}

TEST_F(a_tree, renames_over_what_is_named_and_nothing_else) {
  put("a", content_of(10, 1));
  put("b", content_of(20, 2));
  const auto gone = value(tree_.stat("b"));
  EXPECT_FAILS(tree_.rename("a", "b", {}), errc::exists);
  EXPECT_FAILS(tree_.rename("a", "b", catalog::replaced_file{21, gone.mtime_ns}), errc::conflict);
  EXPECT_FAILS(tree_.rename("a", "c", catalog::replaced_file{20, gone.mtime_ns}), errc::conflict);
  ASSERT_TRUE(tree_.rename("a", "b", catalog::replaced_file{20, gone.mtime_ns}));
  EXPECT_EQ(world_.read("b"), content_of(10, 1));
  EXPECT_FALSE(knows(gone));
  EXPECT_TRUE(knows(value(tree_.stat("b"))));
}

TEST_F(a_tree, forgets_what_is_removed) {
  put("a", content_of(10));
  put("x/b", content_of(10));
  put("x/y/c", content_of(10));
  const auto a = value(tree_.stat("a")), b = value(tree_.stat("x/b"));
  const auto c = value(tree_.stat("x/y/c"));
  EXPECT_TRUE(knows(a) && knows(b) && knows(c));
  ASSERT_TRUE(tree_.remove("a", false));
  EXPECT_FALSE(knows(a));
  EXPECT_FAILS(tree_.remove("x", false), errc::not_empty);
  EXPECT_TRUE(knows(b));
  ASSERT_TRUE(tree_.remove("x", true));
  EXPECT_FALSE(knows(b) || knows(c));
  EXPECT_FAILS(tree_.remove("x", true), errc::not_found);
  EXPECT_FAILS(tree_.remove("", true), errc::not_allowed);
}

// Each change of a name is followed by a sync of the folder that it is in.
class counting_files : public store::forwarding_files {
 public:
  counting_files() : forwarding_files(store::linux_files()) {}
  int fsync(int fd) override {
    ++syncs;
    return forwarding_files::fsync(fd);
  }
  std::atomic<int> syncs = 0;
};

TEST(a_changed_tree, is_durable) {
  counting_files files;
  world w(world::quiet(), files);
  const auto syncs = [&] { return files.syncs.exchange(0); };
  (void)syncs();
  ASSERT_TRUE(folder_made(w.small(), {.path = "x/y", .parents = true}));
  EXPECT_EQ(syncs(), 3);  // y, x and the root
  ASSERT_TRUE(folder_made(w.small(), {.path = "x/y", .parents = true, .may_exist = true}));
  EXPECT_EQ(syncs(), 0);
  ASSERT_TRUE(w.tree().rename("x/y", "x/z", {}));
  EXPECT_EQ(syncs(), 1);
  ASSERT_TRUE(w.tree().rename("x/z", "z", {}));
  EXPECT_EQ(syncs(), 2);
  ASSERT_TRUE(w.tree().remove("z", false));
  EXPECT_EQ(syncs(), 1);
}

}  // namespace
}  // namespace sluice::transfer
