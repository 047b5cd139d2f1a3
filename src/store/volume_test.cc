// Durability calls, and a volume that fails.
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

class durability : public store_test {
 protected:
  faulty_files files;
};

TEST_F(durability, sync_folder_syncs_the_way_that_is_not_durable) {
  fs::create_directories(root / "old");
  folder_store store = opened(files);
  ASSERT_TRUE(store.mkdir(at("old/a/b"), true, false));
  const int before = files.count(file_call::fsync);
  EXPECT_TRUE(store.sync_folder(at("old/a/b")));
  EXPECT_EQ(files.count(file_call::fsync), before + 3) << "b, a, and old, which holds a's name";
  EXPECT_TRUE(store.sync_folder(at("old/a/b")));
  EXPECT_EQ(files.count(file_call::fsync), before + 4);
  EXPECT_EQ(code_of(store.sync_folder(at("gone"))), errc::not_found);
}

// Whoever acknowledges something in a folder answers for the way to it.
TEST_F(durability, a_folder_that_another_made_is_synced_by_whoever_builds_on_it) {
  folder_store store = opened(files);
  ASSERT_TRUE(store.mkdir(at("made"), false, false));
  ASSERT_TRUE(store.put_small(at("made/file"), bytes("x"), 0, false));
  const int before = files.count(file_call::fsync);
  EXPECT_TRUE(store.sync_folder(at("made")));
  EXPECT_EQ(files.count(file_call::fsync), before + 2);

  ASSERT_TRUE(store.rename(at("made"), at("renamed")));
  EXPECT_TRUE(store.sync_folder(at("renamed")));
  EXPECT_EQ(files.count(file_call::fsync), before + 4);
}

TEST_F(durability, a_failed_sync_leaves_the_way_to_be_synced) {
  folder_store store = opened(files);
  ASSERT_TRUE(store.mkdir(at("a"), false, false));
  files.fail_next(file_call::fsync, -ENOSPC);
  EXPECT_EQ(code_of(store.sync_folder(rel_path())), errc::no_space);
  EXPECT_TRUE(*store.mkdir(at("a"), false, true));
  EXPECT_TRUE(store.sync_volume());
  EXPECT_FALSE(*store.mkdir(at("a"), false, true));
}

TEST_F(durability, a_folder_that_is_gone_is_forgotten) {
  folder_store store = opened(files);
  ASSERT_TRUE(store.mkdir(at("a/b"), true, false));
  ASSERT_TRUE(store.remove(at("a"), true));
  fs::create_directories(root / "a/b");
  EXPECT_FALSE(*store.mkdir(at("a/b"), true, true)) << "the one that was made is gone";
}

TEST_F(durability, a_failed_sync_closes_the_volume_to_writes_until_readmitted) {
  put(root / "f", "x");
  folder_store store = opened(files);
  auto whole = whole_partial(store, id(1), "x");
  auto open = *store.create_partial(id(2), 0);
  EXPECT_FALSE(store.volume_failure());
  files.fail_next(file_call::syncfs, -EIO);
  EXPECT_EQ(code_of(store.sync_volume()), errc::io);
  ASSERT_TRUE(store.volume_failure());

  EXPECT_EQ(code_of(store.create_partial(id(3), 0)), errc::io);
  EXPECT_EQ(code_of(open->write(0, bytes("x"))), errc::io);
  EXPECT_EQ(code_of(open->sync()), errc::io);
  EXPECT_EQ(code_of(open->finish({})), errc::io);
  EXPECT_EQ(code_of(store.publish(*whole, at("new"))), errc::io);
  EXPECT_EQ(code_of(store.put_small(at("new"), bytes("x"), 0, false)), errc::io);
  EXPECT_EQ(code_of(store.mkdir(at("new"), false, false)), errc::io);
  EXPECT_EQ(code_of(store.rename(at("f"), at("new"))), errc::io);
  EXPECT_EQ(code_of(store.remove(at("f"), false)), errc::io);
  EXPECT_EQ(code_of(store.set_mtime(rel_path(), 0)), errc::io);
  EXPECT_EQ(code_of(store.sync_folder(rel_path())), errc::io);
  EXPECT_EQ(code_of(store.sync_partials()), errc::io);
  const auto again = store.sync_volume();
  EXPECT_EQ(code_of(again), errc::io);
  EXPECT_NE(again.error().context.find("sync the volume"), std::string::npos);
  EXPECT_EQ(files.count(file_call::syncfs), 1);

  EXPECT_TRUE(store.stat(at("f")));
  EXPECT_TRUE(store.open_content(at("f")));
  store.readmit_volume();
  EXPECT_FALSE(store.volume_failure());
  EXPECT_TRUE(store.publish(*whole, at("new")));
  EXPECT_TRUE(store.sync_volume());
}

TEST_F(durability, each_kind_of_sync_can_close_the_volume) {
  folder_store store = opened(files);
  files.fail_next(file_call::fsync, -EIO);
  EXPECT_EQ(code_of(store.sync_folder(rel_path())), errc::io);
  EXPECT_TRUE(store.volume_failure());
  store.readmit_volume();
  files.fail_next(file_call::fsync, -EIO);
  EXPECT_EQ(code_of(store.sync_partials()), errc::io);
  EXPECT_TRUE(store.volume_failure());
  store.readmit_volume();
  const auto made = *store.create_partial(id(1), 0);
  files.fail_next(file_call::fdatasync, -EIO);
  EXPECT_EQ(code_of(made->sync()), errc::io);
  EXPECT_TRUE(store.volume_failure());
}

TEST_F(durability, a_full_volume_is_no_failed_one) {
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 0);
  files.fail_next(file_call::fdatasync, -ENOSPC);
  EXPECT_EQ(code_of(made->sync()), errc::no_space);
  EXPECT_TRUE(made->is_poisoned());
  EXPECT_FALSE(store.volume_failure());
  EXPECT_TRUE(store.create_partial(id(2), 0));
}

// A syncfs that waits inside the call, as a slow disk does.
class slow_files : public forwarding_files {
 public:
  slow_files() : forwarding_files(linux_files()) {}
  int syncfs(int) override {
    std::unique_lock lock(mutex_);
    ++runs;
    changed_.notify_all();
    changed_.wait(lock, [this] { return allowed_ > 0; });
    --allowed_;
    return runs == failing_run ? -EIO : 0;
  }
  void wait_for_runs(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return runs >= count; });
  }
  void allow(int count) {
    const std::lock_guard lock(mutex_);
    allowed_ += count;
    changed_.notify_all();
  }

  int runs = 0;
  int failing_run = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0;
};

TEST_F(durability, a_sync_never_rides_on_one_that_began_before_it) {
  slow_files slow;
  folder_store store = opened(slow);
  std::atomic<int> done = 0;
  std::jthread first([&] {
    EXPECT_TRUE(store.sync_volume());
    ++done;
  });
  slow.wait_for_runs(1);
  std::jthread second([&] {
    EXPECT_TRUE(store.sync_volume());
    ++done;
  });
  slow.allow(1);
  first.join();
  slow.wait_for_runs(2);
  EXPECT_EQ(done, 1);
  slow.allow(1);
  second.join();
  EXPECT_EQ(slow.runs, 2);
}

TEST_F(durability, many_syncs_share_few_runs) {
  constexpr int callers = 16;
  slow_files slow;
  folder_store store = opened(slow);
  std::jthread first([&] { EXPECT_TRUE(store.sync_volume()); });
  slow.wait_for_runs(1);
  std::vector<std::jthread> waiting;
  for (int i = 0; i < callers; ++i) {
    waiting.emplace_back([&] { EXPECT_TRUE(store.sync_volume()); });
  }
  slow.allow(2 + callers);
  first.join();
  waiting.clear();
  EXPECT_GE(slow.runs, 2);
  EXPECT_LE(slow.runs, 1 + callers);
}

TEST_F(durability, a_failed_run_fails_all_who_waited) {
  slow_files slow;
  slow.failing_run = 1;
  folder_store store = opened(slow);
  std::jthread first([&] { EXPECT_EQ(code_of(store.sync_volume()), errc::io); });
  slow.wait_for_runs(1);
  std::jthread second([&] { EXPECT_EQ(code_of(store.sync_volume()), errc::io); });
  slow.allow(2);
  first.join();
  second.join();
}

}  // namespace
}  // namespace sluice::store
