#include <gtest/gtest.h>

#include "transfer/test_world.h"

namespace sluice::transfer::test {
namespace {

const auto content = content_of(2 * mib + 5);

// An upload that has all blocks durable, and whose name was taken then. Nobody writes to it.
std::string lost(world& w, const std::string& path, const bytes& its = content) {
  auto opened = value(w.uploads().open(request_for(path, its.size())));
  auto writer = opened.upload->attach({}, unasked());
  send_all(*writer, its);
  value(checkpoint(*opened.upload));
  w.write(path, block_of(its, 0).first(3));
  EXPECT_EQ(code_of(finish(*opened.upload)), errc::exists);
  return opened.upload->id();
}

upload_request asking(const std::string& path) {
  auto wanted = request_for(path, content.size());
  wanted.resume = wanted.kept = true;
  return wanted;
}

TEST(kept_uploads, are_told_and_take_another_name) {
  world w;
  const auto id = lost(w, "a");
  auto found = value(w.uploads().open(asking("b")));
  ASSERT_TRUE(found.is_kept);
  EXPECT_EQ(found.upload->id(), id);
  EXPECT_EQ(found.upload->path().text(), "a");
  auto renamed = value(w.uploads().rename(id, asking("b")));
  EXPECT_EQ(renamed.upload->path().text(), "b");
  value(finish(*renamed.upload));
  EXPECT_EQ(w.read("b"), content);
  EXPECT_EQ(w.read("a").size(), 3U);
}

TEST(kept_uploads, keep_their_new_name_over_a_restart) {
  world w;
  const auto id = lost(w, "a");
  w.reopen();
  ASSERT_TRUE(value(w.uploads().open(asking("b"))).is_kept);
  value(w.uploads().rename(id, asking("b")));
  w.reopen();
  auto resumed = value(w.uploads().open(asking("b")));
  EXPECT_FALSE(resumed.is_kept);
  EXPECT_EQ(resumed.upload->id(), id);
  value(finish(*resumed.upload));
  EXPECT_EQ(w.read("b"), content);
}

TEST(kept_uploads, are_given_once) {
  world w;
  const auto id = lost(w, "a");
  value(w.uploads().rename(id, asking("b")));
  EXPECT_FAILS(w.uploads().rename(id, asking("c")), errc::conflict);
  EXPECT_EQ(value(w.uploads().rename(id, asking("b"))).upload->id(), id);  // the answer was lost
}

TEST(kept_uploads, are_only_those_that_lost_their_name) {
  world w;
  auto open = value(w.uploads().open(request_for("a", content.size())));
  EXPECT_FALSE(value(w.uploads().open(asking("b"))).is_kept);
  EXPECT_FAILS(w.uploads().rename(open.upload->id(), asking("c")), errc::conflict);
}

// Its name is taken, and its sender does not know yet.
TEST(kept_uploads, are_none_that_somebody_writes_to) {
  world w;
  auto open = value(w.uploads().open(request_for("a", content.size())));
  auto writer = open.upload->attach({}, unasked());
  w.write("a", block_of(content, 0).first(3));
  EXPECT_FALSE(value(w.uploads().open(asking("b"))).is_kept);
  EXPECT_FAILS(w.uploads().rename(open.upload->id(), asking("c")), errc::conflict);
  writer.reset();
  EXPECT_TRUE(value(w.uploads().open(asking("d"))).is_kept);
}

TEST(kept_uploads, are_none_that_may_replace_what_is_there) {
  world w;
  w.write("a", block_of(content, 0).first(3));
  const auto there = value(w.tree().stat("a"));
  auto wanted = request_for("a", content.size());
  wanted.replaces = catalog::replaced_file{there.size_bytes, there.mtime_ns};
  value(w.uploads().open(wanted));
  EXPECT_FALSE(value(w.uploads().open(asking("b"))).is_kept);
}

TEST(kept_uploads, are_of_the_same_size_and_time) {
  world w;
  lost(w, "a");
  auto other = asking("b");
  other.mtime_ns += 1;
  EXPECT_FALSE(value(w.uploads().open(other)).is_kept);
  auto longer = request_for("c", content.size() + 1);
  longer.resume = longer.kept = true;
  EXPECT_FALSE(value(w.uploads().open(longer)).is_kept);
}

TEST(kept_uploads, take_no_name_that_is_taken) {
  world w;
  const auto id = lost(w, "a");
  w.write("b", block_of(content, 0).first(4));
  EXPECT_FAILS(w.uploads().rename(id, asking("b")), errc::exists);
  auto replacing = asking("b");
  const auto there = value(w.tree().stat("b"));
  replacing.replaces = catalog::replaced_file{there.size_bytes, there.mtime_ns};
  value(finish(*value(w.uploads().rename(id, replacing)).upload));
  EXPECT_EQ(w.read("b"), content);
}

}  // namespace
}  // namespace sluice::transfer::test
