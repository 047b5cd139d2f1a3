#include "transfer/small_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <latch>
#include <semaphore>
#include <thread>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

small_file named(const std::string& path) {
  small_file wanted(unasked(path));
  wanted.mtime_ns = 1'600'000'000'000'000'001;
  return wanted;
}

result<store::entry> put(world& w, const small_file& wanted, const bytes& content) {
  std::promise<result<store::entry>> told;
  w.small().put(wanted, content, base::digest_of(content),
                [&](auto entry) { told.set_value(std::move(entry)); });
  return told.get_future().get();
}

TEST(small_files, are_stored_with_their_digest) {
  world w;
  const auto content = content_of(16'000);
  auto wanted = named("x/a");
  wanted.executable = true;
  EXPECT_FAILS(put(w, wanted, content), errc::not_found);
  wanted.make_parents = true;
  const auto entry = put(w, wanted, content);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->name, "a");
  EXPECT_EQ(entry->size_bytes, 16'000U);
  EXPECT_EQ(entry->mtime_ns, wanted.mtime_ns);
  EXPECT_TRUE(entry->executable);
  EXPECT_EQ(w.read("x/a"), content);
  const auto file = value(w.downloads().open("x/a"));
  EXPECT_EQ(file->recorded(0), base::digest_of(content));
  EXPECT_EQ(w.partial_count(), 0U);
}

TEST(small_files, may_be_empty_and_may_be_a_block_and_no_more) {
  world w;
  EXPECT_TRUE(put(w, named("empty"), {}));
  EXPECT_TRUE(put(w, named("full"), content_of(mib)));
  EXPECT_FAILS(put(w, named("over"), content_of(mib + 1)), errc::invalid_argument);
  EXPECT_TRUE(value(w.downloads().open("empty"))->digests(0, 1, digest_source::recorded)->empty());
  EXPECT_EQ(w.read("full"), content_of(mib));
  EXPECT_FALSE(std::filesystem::exists(w.root() / "over"));
}

TEST(small_files, with_a_wrong_digest_or_name_are_refused) {
  world w;
  const auto content = content_of(100);
  const auto refused = [&](const small_file& wanted, const base::digest128& digest) {
    result<store::entry> told = fail(errc::internal);
    w.small().put(wanted, content, digest, [&](auto entry) { told = std::move(entry); });
    return told;
  };
  EXPECT_FAILS(refused(named("a"), {}), errc::bad_digest);
  EXPECT_FAILS(refused(named(".a"), base::digest_of(content)), errc::not_allowed);
  EXPECT_FAILS(refused(named(""), base::digest_of(content)), errc::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
}

TEST(small_files, overwrite_only_what_they_name) {
  world w;
  const auto first = content_of(10, 1), second = content_of(20, 2);
  const auto there = value(put(w, named("a"), first));
  EXPECT_FAILS(put(w, named("a"), second), errc::exists);
  auto wanted = named("a");
  wanted.replaces = {there.size_bytes, there.mtime_ns + 1};
  EXPECT_FAILS(put(w, wanted, second), errc::conflict);
  EXPECT_EQ(w.read("a"), first);
  wanted.replaces = {there.size_bytes, there.mtime_ns};
  EXPECT_TRUE(put(w, wanted, second));
  EXPECT_EQ(w.read("a"), second);
  EXPECT_EQ(w.partial_count(), 0U);
}

TEST(small_files, come_with_folders) {
  world w;
  const auto made = [&](bool parents, bool may_exist, std::optional<std::int64_t> mtime_ns) {
    return folder_made(w.small(), {"x/y", parents, may_exist, mtime_ns});
  };
  EXPECT_FAILS(made(false, false, {}), errc::not_found);
  EXPECT_EQ(value(made(true, false, 5'000'000'000)).mtime_ns, 5'000'000'000);
  EXPECT_FAILS(made(true, false, {}), errc::exists);
  EXPECT_EQ(value(made(true, true, {})).name, "y");
  EXPECT_EQ(value(made(true, true, 6'000'000'000)).mtime_ns, 6'000'000'000);
  EXPECT_FAILS(folder_made(w.small(), {.path = ".sluice/x"}), errc::not_allowed);
}

// Counts syncs and names, and can tell what order they came in.
class ordered_files : public store::forwarding_files {
 public:
  ordered_files() : forwarding_files(store::linux_files()) {}

  int syncfs(int fd) override {
    const int told = note_sync('s');
    return told != 0 ? told : forwarding_files::syncfs(fd);
  }
  int fsync(int fd) override {
    const int told = note_sync('f');
    return told != 0 ? told : forwarding_files::fsync(fd);
  }
  int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) override {
    note('n');
    return forwarding_files::linkat(from_fd, from, to_fd, to, flags);
  }
  int note_sync(char what) {
    ++syncs_begun;
    if (gate != nullptr) gate->acquire();
    note(what);
    return answer.exchange(0);
  }
  void note(char what) {
    const std::lock_guard lock(mutex);
    calls += what;
  }
  std::string take() {
    const std::lock_guard lock(mutex);
    return std::exchange(calls, {});
  }

  std::counting_semaphore<>* gate = nullptr;
  std::atomic<int> syncs_begun = 0;
  std::atomic<int> answer = 0;  // of the next sync

 private:
  std::mutex mutex;
  std::string calls;
};

TEST(small_files, have_no_name_before_their_content_is_durable) {
  ordered_files files;
  world w(world::quiet(), files);
  (void)files.take();
  ASSERT_TRUE(put(w, named("a"), content_of(10)));
  EXPECT_EQ(files.take(), "fnf");
}

// Each sync waits until the gate lets it through.
struct gated {
  explicit gated(std::ptrdiff_t count) : ended(count) {
    files.gate = &gate;
    (void)files.take();
    files.syncs_begun = 0;
  }
  ~gated() { files.gate = nullptr; }

  void send(const std::string& path) {
    w.small().put(named(path), content, base::digest_of(content), told());
  }
  entry_callback told() {
    return [this](const auto& entry) {
      EXPECT_TRUE(entry);
      ended.count_down();
    };
  }
  // What was called until all have ended.
  std::string calls() {
    gate.release(100);
    ended.wait();
    return files.take();
  }

  std::counting_semaphore<> gate{0};
  std::latch ended;
  const bytes content = content_of(10);
  ordered_files files;
  world w{world::quiet(), files};
};

TEST(small_files, of_two_groups_share_a_sync) {
  gated g(12);
  g.send("first");
  while (g.files.syncs_begun < 1) std::this_thread::yield();  // it waits at the gate
  for (int i = 0; i < 10; ++i) g.send("a" + std::to_string(i));
  g.w.small().make_folder(new_folder(unasked("folder")), g.told());
  EXPECT_EQ(g.calls(), "fns" + std::string(10, 'n') + "s");
}

TEST(small_files, that_wait_share_their_syncs) {
  gated g(41);
  g.send("first");
  for (int i = 0; i < 40; ++i) g.send("f" + std::to_string(i));
  const auto calls = g.calls();
  // At most two groups: those that came before the first sync began, and the rest.
  const auto syncs = calls.size() - 41;
  EXPECT_EQ(std::count(calls.begin(), calls.end(), 'n'), 41) << calls;
  EXPECT_GE(std::count(calls.begin(), calls.end(), 's'), 1) << calls;
  EXPECT_LE(syncs, 5U) << calls;
  EXPECT_LT(calls.find_first_of("sf"), calls.find('n')) << calls;
}

TEST(small_files, one_bad_name_fails_nobody_else) {
  ordered_files files;
  world w(world::quiet(), files);
  std::counting_semaphore<> gate(0);
  files.gate = &gate;
  const auto content = content_of(10);
  std::latch ended(4);
  std::atomic<int> stored = 0, refused = 0;
  for (const char* path : {"a", "b", "a", "none/c"}) {
    w.small().put(named(path), content, base::digest_of(content), [&](auto entry) {
      ++(entry ? stored : refused);
      ended.count_down();
    });
  }
  gate.release(100);
  ended.wait();
  EXPECT_EQ(stored, 2);
  EXPECT_EQ(refused, 2);
  files.gate = nullptr;
}

TEST(small_files, a_failed_sync_acknowledges_none_of_them) {
  ordered_files files;
  world w(world::quiet(), files);
  files.answer = -EIO;
  EXPECT_FAILS(put(w, named("a"), content_of(10)), errc::io);
  EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
  EXPECT_FAILS(put(w, named("b"), content_of(10)), errc::io);
  w.site().store.readmit_volume();
  EXPECT_TRUE(put(w, named("a"), content_of(10)));
}

TEST(small_files, under_way_are_limited_in_number) {
  ordered_files files;
  auto opts = world::quiet();
  opts.small_files_waiting_max = 3;
  world w(opts, files);
  std::counting_semaphore<> gate(0);
  files.gate = &gate;
  const auto content = content_of(10);
  std::atomic<int> accepted = 0;
  std::latch ended(5);
  std::thread sender([&] {
    for (int i = 0; i < 5; ++i) {
      w.small().put(named("f" + std::to_string(i)), content, base::digest_of(content),
                    [&](auto) { ended.count_down(); });
      ++accepted;
    }
  });
  // The first is being synced, two wait; the fourth must not be taken before the gate opens.
  while (accepted < 3) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_EQ(accepted, 3);
  gate.release(100);
  ended.wait();
  sender.join();
  files.gate = nullptr;
}

TEST(small_files, the_end_waits_for_what_is_under_way) {
  world w;
  const auto content = content_of(100);
  std::atomic<int> stored = 0;
  for (int i = 0; i < 50; ++i) {
    w.small().put(named("f" + std::to_string(i)), content, base::digest_of(content),
                  [&](auto entry) { stored += entry ? 1 : 0; });
  }
  w.reopen();
  EXPECT_EQ(stored, 50);
  EXPECT_EQ(w.read("f49"), content);
}

}  // namespace
}  // namespace sluice::transfer
