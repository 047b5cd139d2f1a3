#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Fails or delays the syncs of files as told, and counts them.
class watched_files : public store::forwarding_files {
 public:
  watched_files() : forwarding_files(store::linux_files()) {}

  int fdatasync(int fd) override {
    ++syncs;
    {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.notify_all();
      changed.wait(lock, [this] { return !blocked; });
      --waiting;
    }
    if (const int told = answer.exchange(0); told != 0) return told;
    return forwarding_files::fdatasync(fd);
  }

  void block() {
    const std::lock_guard lock(mutex);
    blocked = true;
  }
  void await_sync() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return waiting > 0; });
  }
  void unblock() {
    const std::lock_guard lock(mutex);
    blocked = false;
    changed.notify_all();
  }

  std::atomic<int> syncs = 0;
  std::atomic<int> answer = 0;  // of the next one

 private:
  std::mutex mutex;
  std::condition_variable changed;
  bool blocked = false;
  int waiting = 0;
};

// Notes syncs of content (d), syncs of files and folders (f), and names given (r), in order.
class noted_files : public store::forwarding_files {
 public:
  noted_files() : forwarding_files(store::linux_files()) {}
  int fdatasync(int fd) override {
    calls += 'd';
    return forwarding_files::fdatasync(fd);
  }
  int fsync(int fd) override {
    calls += 'f';
    return forwarding_files::fsync(fd);
  }
  int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) override {
    calls += 'r';
    return forwarding_files::renameat2(from_fd, from, to_fd, to, flags);
  }
  std::string calls;  // only read and reset while nothing runs
};

// What a writer was told.
class ear {
 public:
  report_callback listen() {
    return [this](const durability_report& report) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(report);
      heard_.notify_all();
    };
  }
  durability_report next() {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [this] { return !reports_.empty(); });
    auto first = reports_.front();
    reports_.erase(reports_.begin());
    return first;
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return reports_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<durability_report> reports_;
};

class checkpoints : public testing::Test {
 protected:
  std::shared_ptr<upload> open(world& w) {
    return value(w.uploads().open(request_for("a", content_.size()))).upload;
  }
  std::size_t recorded(world& w, const std::string& id) {
    return value(
        w.catalog().read([&](catalog::session& s) { return catalog::blocks_of(s, id).size(); }));
  }
  bytes content_ = content_of(8 * mib);
  watched_files files_;
};

TEST_F(checkpoints, tell_all_that_is_durable_and_each_writer_its_own) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  ear left, right;
  const auto a = one->attach(left.listen(), unasked()), b = one->attach(right.listen(), unasked());
  for (std::uint64_t block : {0, 1, 5}) ASSERT_TRUE(send(*a, content_, block));
  for (std::uint64_t block : {2, 7}) ASSERT_TRUE(send(*b, content_, block));
  EXPECT_THAT(one->durable(), IsEmpty());
  EXPECT_EQ(recorded(w, one->id()), 0U);
  EXPECT_THAT(value(checkpoint(*one)),
              ElementsAre(block_range{0, 3}, block_range{5, 1}, block_range{7, 1}));
  EXPECT_EQ(recorded(w, one->id()), 5U);
  EXPECT_THAT(left.next().durable, ElementsAre(block_range{0, 2}, block_range{5, 1}));
  EXPECT_THAT(right.next().durable, ElementsAre(block_range{2, 1}, block_range{7, 1}));
  EXPECT_EQ(files_.syncs, 1);
  ASSERT_TRUE(send(*b, content_, 3));
  ASSERT_TRUE(checkpoint(*one));
  EXPECT_THAT(right.next().durable, ElementsAre(block_range{3, 1}));
  EXPECT_EQ(left.waiting(), 0U);
}

TEST_F(checkpoints, of_nothing_new_sync_nothing) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  EXPECT_THAT(value(checkpoint(*one)), IsEmpty());
  ASSERT_TRUE(send(*one->attach({}, unasked()), content_, 4));
  ASSERT_TRUE(checkpoint(*one));
  const int before = files_.syncs;
  EXPECT_THAT(value(checkpoint(*one)), ElementsAre(block_range{4, 1}));
  EXPECT_EQ(files_.syncs, before);
}

TEST_F(checkpoints, tell_of_a_block_that_was_durable_before_it_came_again) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  ASSERT_TRUE(send(*one->attach({}, unasked()), content_, 4));
  ASSERT_TRUE(checkpoint(*one));
  ear late;
  const auto writer = one->attach(late.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 4));
  ASSERT_TRUE(checkpoint(*one));
  EXPECT_THAT(late.next().durable, ElementsAre(block_range{4, 1}));
}

TEST_F(checkpoints, come_by_themselves_after_so_many_bytes) {
  auto opts = world::quiet();
  opts.checkpoint_bytes = 3 * mib;
  world w(opts, files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  ASSERT_TRUE(send(*writer, content_, 1));
  EXPECT_EQ(files_.syncs, 0);
  ASSERT_TRUE(send(*writer, content_, 2));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{0, 3}));
}

TEST_F(checkpoints, come_by_themselves_after_a_while) {
  auto opts = world::quiet();
  opts.checkpoint_interval = std::chrono::milliseconds(20);
  world w(opts, files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 6));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{6, 1}));
}

TEST_F(checkpoints, do_not_hold_up_writing_and_do_not_tell_what_came_meanwhile) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  files_.block();
  std::promise<result<std::vector<block_range>>> first, second;
  one->checkpoint([&](auto durable) { first.set_value(std::move(durable)); });
  files_.await_sync();
  ASSERT_TRUE(send(*writer, content_, 1));  // while the sync runs
  one->checkpoint([&](auto durable) { second.set_value(std::move(durable)); });
  EXPECT_EQ(one->held_count(), 2U);
  EXPECT_THAT(one->durable(), IsEmpty());
  files_.unblock();
  EXPECT_THAT(value(first.get_future().get()), ElementsAre(block_range{0, 1}));
  EXPECT_THAT(value(second.get_future().get()), ElementsAre(block_range{0, 2}));
  EXPECT_EQ(files_.syncs, 2);
}

// The sync began before these bytes came: it says nothing about them.
TEST_F(checkpoints, do_not_tell_a_block_that_was_replaced_meanwhile) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  const auto other = content_of(8 * mib, 2);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  ASSERT_TRUE(send(*writer, content_, 1));
  files_.block();
  std::promise<result<std::vector<block_range>>> ended;
  one->checkpoint([&](auto durable) { ended.set_value(std::move(durable)); });
  files_.await_sync();
  ASSERT_TRUE(send(*writer, other, 0));
  ASSERT_TRUE(send(*writer, content_, 0));  // back again: the digest alone does not tell
  files_.unblock();
  EXPECT_THAT(value(ended.get_future().get()), ElementsAre(block_range{1, 1}));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{1, 1}));
  EXPECT_EQ(recorded(w, one->id()), 1U);
  ASSERT_TRUE(checkpoint(*one));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{0, 1}));
}

// The same, when the commit waits its turn already.
TEST_F(checkpoints, do_not_tell_a_block_that_was_taken_back_before_the_commit) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  ASSERT_TRUE(send(*writer, content_, 1));
  std::latch busy(1), go_on(1);
  w.catalog().write(
      [&](catalog::session&) -> result<void> {
        busy.count_down();
        go_on.wait();
        return {};
      },
      [](const auto&) {});
  busy.wait();
  std::promise<result<std::vector<block_range>>> ended;
  one->checkpoint([&](auto durable) { ended.set_value(std::move(durable)); });
  while (w.catalog().waiting() < 1) std::this_thread::yield();
  std::thread replacing([&] { EXPECT_TRUE(writer->begin(0, mib, std::nullopt)); });
  while (w.catalog().waiting() < 2) std::this_thread::yield();
  go_on.count_down();
  EXPECT_THAT(value(ended.get_future().get()), ElementsAre(block_range{1, 1}));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{1, 1}));
  replacing.join();
  EXPECT_EQ(recorded(w, one->id()), 1U);
}

TEST_F(checkpoints, a_full_disk_loses_only_what_was_not_durable) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  ASSERT_TRUE(checkpoint(*one));
  (void)told.next();
  ASSERT_TRUE(send(*writer, content_, 1));
  ASSERT_TRUE(send(*writer, content_, 2));
  auto half = value(writer->begin(3 * mib, mib, std::nullopt));
  files_.answer = -ENOSPC;
  EXPECT_FAILS(checkpoint(*one), errc::no_space);
  const auto report = told.next();
  EXPECT_THAT(report.durable, IsEmpty());
  EXPECT_THAT(report.lost, ElementsAre(block_range{1, 2}));
  ASSERT_TRUE(report.failure);
  EXPECT_EQ(report.failure->code, errc::no_space);
  EXPECT_EQ(told.waiting(), 0U);
  EXPECT_FAILS(half.append(std::span(content_).first(5)), errc::conflict);
  EXPECT_EQ(one->held_count(), 1U);
  // After relief it goes on.
  for (std::uint64_t block = 1; block < 8; ++block) ASSERT_TRUE(send(*writer, content_, block));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content_);
}

TEST_F(checkpoints, a_failed_disk_acknowledges_nothing_and_refuses_to_write) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  const auto writer = one->attach({}, unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  files_.answer = -EIO;
  EXPECT_FAILS(checkpoint(*one), errc::io);
  EXPECT_EQ(recorded(w, one->id()), 0U);
  EXPECT_FAILS(send(*writer, content_, 0), errc::io);
  EXPECT_FAILS(w.uploads().open(request_for("b", mib)), errc::io);
  w.site().store.readmit_volume();
  send_all(*writer, content_);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content_);
}

TEST_F(checkpoints, a_commit_that_fails_acknowledges_nothing_and_loses_nothing) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  const auto run = [&](const std::string& sql) {
    value(w.catalog().write([&](catalog::session& s) -> result<void> {
      s.run(sql);
      return {};
    }));
  };
  send_all(*writer, content_);
  run("CREATE TRIGGER refuse BEFORE INSERT ON upload_block "
      "BEGIN SELECT RAISE(ABORT, 'refused'); END");
  EXPECT_FAILS(checkpoint(*one), errc::conflict);
  const auto report = told.next();
  EXPECT_TRUE(report.failure);
  EXPECT_THAT(report.durable, IsEmpty());
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_EQ(one->held_count(), 8U);
  EXPECT_FAILS(finish(*one), errc::conflict);
  EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
  run("DROP TRIGGER refuse");
  EXPECT_THAT(value(checkpoint(*one)), ElementsAre(block_range{0, 8}));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{0, 8}));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content_);
}

TEST_F(checkpoints, and_all_other_steps_sync_in_their_order) {
  noted_files files;
  world w(world::quiet(), files);
  files.calls.clear();
  const auto one = open(w);
  EXPECT_EQ(files.calls, "f") << "the partial's name is durable before its id is told";
  send_all(*one->attach({}, unasked()), content_);
  EXPECT_EQ(files.calls, "f");
  ASSERT_TRUE(checkpoint(*one));
  EXPECT_EQ(files.calls, "fd");
  files.calls.clear();
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(files.calls, "frff") << "the file, its name, the folder, the partials";
}

TEST_F(checkpoints, wait_for_a_finish_that_runs) {
  world w(world::quiet(), files_);
  const auto one = open(w);
  send_all(*one->attach({}, unasked()), content_);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { (void)checkpoint(*one); });
  EXPECT_TRUE(finish(*one));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(w.read("a"), content_);
}

TEST_F(checkpoints, the_end_of_the_room_makes_durable_what_was_received) {
  world w(world::quiet(), files_);
  auto one = open(w);
  const auto id = one->id();
  ASSERT_TRUE(send(*one->attach({}, unasked()), content_, 3));
  one.reset();
  w.reopen();
  EXPECT_THAT(value(w.uploads().join(id)).upload->durable(), ElementsAre(block_range{3, 1}));
}

TEST_F(checkpoints, without_syncs_still_tell) {
  auto opts = world::quiet();
  opts.syncs = durability::none;
  world w(opts, files_);
  const auto one = open(w);
  ear told;
  const auto writer = one->attach(told.listen(), unasked());
  ASSERT_TRUE(send(*writer, content_, 0));
  ASSERT_TRUE(checkpoint(*one));
  EXPECT_THAT(told.next().durable, ElementsAre(block_range{0, 1}));
  EXPECT_EQ(files_.syncs, 0);
}

}  // namespace
}  // namespace sluice::transfer
