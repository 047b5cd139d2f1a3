#include "transfer/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

TEST(recovery, removes_what_has_no_counterpart) {
  world w;
  const auto kept = value(w.uploads().open(request_for("a", mib))).upload->id();
  const auto lost = value(w.uploads().open(request_for("b", mib))).upload->id();
  w.close();
  const auto partials = w.root() / ".sluice" / "partials";
  std::filesystem::remove(partials / (lost + ".part"));
  std::ofstream(partials / (std::string(32, 'a') + ".part")) << "nobody's";
  w.open();
  EXPECT_TRUE(w.uploads().join(kept));
  EXPECT_FAILS(w.uploads().join(lost), errc::not_found);
  EXPECT_EQ(w.partial_count(), 1U);
  EXPECT_EQ(w.uploads().open_count(), 1U);
}

// A server that is killed leaves names that it did not sync. Power that is lost later takes them
// away, and with them what the next server built on them and acknowledged.
TEST(recovery, syncs_what_an_earlier_run_named) {
  class counting_files : public store::forwarding_files {
   public:
    counting_files() : forwarding_files(store::linux_files()) {}
    int syncfs(int fd) override {
      ++syncs;
      return forwarding_files::syncfs(fd);
    }
    std::atomic<int> syncs = 0;
  } files;
  world w(world::quiet(), files);
  w.close();
  files.syncs = 0;
  w.open();
  EXPECT_EQ(files.syncs, 1);
  w.close();
}

TEST(recovery, forgets_what_was_idle_for_too_long) {
  world w;
  const auto id = value(w.uploads().open(request_for("a", mib))).upload->id();
  ASSERT_TRUE(w.catalog().write([](catalog::session& s) -> result<void> {
    catalog::add_idle_time(s, 7 * 24 * 3600);
    return {};
  }));
  w.reopen();
  EXPECT_FAILS(w.uploads().join(id), errc::not_found);
  EXPECT_EQ(w.partial_count(), 0U);
}

// In memory, so that other users of the disk are not what is measured; and the processor's work,
// of which a busy machine does not make more.
std::clock_t work_of_start_with_partials(int count) {
  world w(world::quiet(), store::linux_files(), "/dev/shm");
  const auto partials = w.root() / ".sluice" / "partials";
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    char id[33];
    std::snprintf(id, sizeof id, "%032x", i);
    ids.emplace_back(id);
    std::ofstream(partials / (ids.back() + ".part")) << "x";
  }
  value(w.catalog().write([&](catalog::session& s) -> result<void> {
    for (std::size_t i = 0; i < ids.size(); i += 2) {
      catalog::upload_row row;
      row.id = ids[i];
      row.path = "p" + row.id;
      catalog::insert_upload(s, row);
    }
    return {};
  }));
  w.close();
  const auto clock_start = std::chrono::steady_clock::now();
  const auto before = std::clock();
  w.open();
  const auto work = std::clock() - before;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - clock_start;
  std::cout << "start with " << count << " partials, half of them orphans: " << took.count()
            << " s\n";
  EXPECT_EQ(w.uploads().open_count(), ids.size() / 2);
  EXPECT_EQ(w.partial_count(), ids.size() / 2);
  return work;
}

TEST(recovery, costs_so_much_for_each_partial_however_many_there_are) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "no /dev/shm";
  const auto of_few = work_of_start_with_partials(1'000);
  EXPECT_LT(work_of_start_with_partials(10'000), 40 * of_few) << "100 times, were it quadratic";
}

// A small file that came bit by bit: nobody can ask for its upload, so nobody would ever end it.
TEST(recovery, throws_away_uploads_whose_id_nobody_knows) {
  world w;
  auto wanted = request_for("a", 5);
  wanted.untold = true;
  const auto id = value(w.uploads().open(wanted)).upload->id();
  wanted.untold = false;
  wanted.resume = true;
  EXPECT_NE(value(w.uploads().open(wanted)).upload->id(), id);
  EXPECT_EQ(w.partial_count(), 2U);
  w.reopen();
  EXPECT_EQ(w.partial_count(), 1U);
  EXPECT_FAILS(w.uploads().join(id), errc::not_found);
}

// Between the intent and `done`, at each point where a crash can come.
class recovery_of_publishing : public testing::Test {
 protected:
  // An upload whose intent is committed, with its partial.
  std::string intend() {
    const auto one = value(world_.uploads().open(request_for("a", content_.size()))).upload;
    send_all(*one->attach({}, unasked()), content_);
    value(checkpoint(*one));
    partial_ = world_.root() / ".sluice" / "partials" / (one->id() + ".part");
    const auto seen = value(world_.site().store.open_partial(*store::partial_id::parse(one->id())));
    value(world_.catalog().write([&](catalog::session& s) -> result<void> {
      const auto id = seen->file_identity();
      EXPECT_TRUE(catalog::set_state(s, one->id(), catalog::upload_state::publishing,
                                     content_.size(), {id.dev, id.ino, id.btime_ns}));
      return {};
    }));
    return one->id();
  }
  world world_;
  bytes content_ = content_of(mib + 5);
  std::filesystem::path partial_;
};

TEST_F(recovery_of_publishing, gives_the_name_that_was_not_given) {
  const auto id = intend();
  world_.reopen();
  EXPECT_EQ(world_.read("a"), content_);
  ASSERT_TRUE(value(world_.uploads().join(id)).done);
  EXPECT_EQ(value(world_.uploads().join(id)).done->mtime_ns,
            value(world_.tree().stat("a")).mtime_ns);
  EXPECT_EQ(world_.partial_count(), 0U);
}

TEST_F(recovery_of_publishing, sees_that_the_name_was_given) {
  const auto id = intend();
  world_.close();
  std::filesystem::rename(partial_, world_.root() / "a");
  world_.open();
  EXPECT_TRUE(value(world_.uploads().join(id)).done);
}

TEST_F(recovery_of_publishing, ends_a_link_that_was_half_done) {
  const auto id = intend();
  world_.close();
  std::filesystem::create_hard_link(partial_, world_.root() / "a");
  world_.open();
  EXPECT_TRUE(value(world_.uploads().join(id)).done);
  EXPECT_EQ(world_.read("a"), content_);
  EXPECT_EQ(world_.partial_count(), 0U);
}

TEST_F(recovery_of_publishing, keeps_the_bytes_where_the_name_is_taken) {
  const auto id = intend();
  world_.close();
  world_.write("a", content_of(3));
  world_.open();
  const auto one = value(world_.uploads().join(id)).upload;
  ASSERT_TRUE(one);
  EXPECT_EQ(world_.read("a"), content_of(3));
  EXPECT_EQ(one->held_count(), 2U);
  std::filesystem::remove(world_.root() / "a");
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content_);
}

TEST_F(recovery_of_publishing, forgets_what_is_nowhere) {
  const auto id = intend();
  world_.close();
  std::filesystem::remove(partial_);
  world_.open();
  EXPECT_FAILS(world_.uploads().join(id), errc::not_found);
}

}  // namespace
}  // namespace sluice::transfer
