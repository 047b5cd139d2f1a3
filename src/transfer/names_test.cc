// What happens between a file's getting its name and the sync of the folder that has it.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

// Counts syncs, and lets another program act as soon as a partial has its final name.
class interrupted_files : public store::forwarding_files {
 public:
  interrupted_files() : forwarding_files(store::linux_files()) {}

  int renameat2(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                unsigned flags) override {
    const int told = forwarding_files::renameat2(from_dir_fd, from, to_dir_fd, to, flags);
    if (told == 0 && named) std::exchange(named, nullptr)();
    return told;
  }

  std::function<void()> named;
  std::atomic<int> fsync_answer = 0, syncfs_answer = 0;
  std::atomic<int> volume_syncs = 0;

 protected:
  int before(store::file_call call) override {
    if (call == store::file_call::fsync) return fsync_answer;
    if (call != store::file_call::syncfs) return 0;
    ++volume_syncs;
    return syncfs_answer;
  }
};

class sync_of_a_name : public testing::Test {
 protected:
  // An upload into `folder`, all of it durable.
  std::shared_ptr<upload> sent(const std::string& name = "film") {
    auto wanted = request_for("folder/" + name, content_.size());
    wanted.make_parents = true;
    auto opened = value(world_.uploads().open(wanted));
    send_all(*opened.upload->attach({}, unasked()), content_);
    value(checkpoint(*opened.upload));
    return opened.upload;
  }
  void move_away() { std::filesystem::rename(world_.root() / "folder", world_.root() / "moved"); }

  interrupted_files files_;
  const bytes content_ = content_of(mib + 3);
  world world_{world::quiet(), files_};
};

TEST_F(sync_of_a_name, syncs_the_volume_where_the_folder_was_moved_away) {
  const auto of = sent();
  files_.named = [this] {
    files_.volume_syncs = 0;
    move_away();
  };
  EXPECT_TRUE(finish(*of));
  EXPECT_EQ(files_.volume_syncs, 1);
  EXPECT_EQ(world_.read("moved/film"), content_);
  EXPECT_EQ(world_.partial_count(), 0);
}

TEST_F(sync_of_a_name, is_told_as_failed_where_the_sync_of_the_volume_fails) {
  const auto of = sent();
  files_.named = [this] {
    files_.syncfs_answer = -EIO;
    move_away();
  };
  EXPECT_FAILS(finish(*of), errc::io);
}

// What a failed sync lost, another one would not bring back: it would answer that all is well.
TEST_F(sync_of_a_name, never_answers_a_failed_sync_with_another_one) {
  for (const int answer : {-ENOSPC, -EDQUOT, -EIO}) {
    const auto of = sent(std::to_string(answer));
    files_.named = [this, answer] {
      files_.volume_syncs = 0;
      files_.fsync_answer = answer;
    };
    EXPECT_FALSE(finish(*of)) << answer;
    EXPECT_EQ(files_.volume_syncs, 0) << answer;
    files_.fsync_answer = 0;
  }
}

}  // namespace
}  // namespace sluice::transfer
