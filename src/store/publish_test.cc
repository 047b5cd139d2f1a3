#include <linux/fs.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

class publishing : public store_test {
 protected:
  bool has_partials() { return !fs::is_empty(root / ".sluice/partials"); }
};

TEST_F(publishing, gives_the_name_and_keeps_the_identity) {
  folder_store store = opened();
  const auto made = whole_partial(store, id(1), "content");
  const auto done = store.publish(*made, at("film.mp4"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->name, "film.mp4");
  EXPECT_EQ(done->size_bytes, 7u);
  EXPECT_EQ(done->mtime_ns, 1'000'000'007);
  EXPECT_EQ(done->id, made->file_identity());
  EXPECT_EQ(*store.stat(at("film.mp4")), *done);
  EXPECT_EQ(text_of(root / "film.mp4"), "content");
  EXPECT_FALSE(has_partials());
}

TEST_F(publishing, overwrites_nothing) {
  folder_store store = opened();
  put(root / "taken", "old");
  fs::create_directory(root / "folder");
  fs::create_symlink("/nowhere", root / "link");
  const auto made = whole_partial(store, id(1), "new");
  for (const char* name : {"taken", "folder", "link"}) {
    EXPECT_EQ(code_of(store.publish(*made, at(name))), errc::exists) << name;
    EXPECT_EQ(code_of(store.put_small(at(name), bytes("new"), 0, false)), errc::exists) << name;
  }
  EXPECT_EQ(text_of(root / "taken"), "old");
  EXPECT_TRUE(store.publish(*made, at("free")));
}

TEST_F(publishing, needs_the_folder_or_makes_it) {
  folder_store store = opened();
  put(root / "file", "x");
  const auto made = whole_partial(store, id(1), "new");
  EXPECT_EQ(code_of(store.publish(*made, at("a/b/c"))), errc::not_found);
  EXPECT_EQ(code_of(store.publish(*made, at("file/c"))), errc::not_a_file);
  EXPECT_EQ(code_of(store.publish(*made, at("file/b/c"), {.make_parents = true})),
            errc::not_a_file);
  EXPECT_EQ(code_of(store.publish(*made, rel_path())), errc::invalid_argument);
  fs::create_directory(root / "a");
  const auto done = store.publish(*made, at("a/b/c/d"), {.make_parents = true});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(text_of(root / "a/b/c/d"), "new");
}

TEST_F(publishing, replaces_only_what_was_named) {
  folder_store store = opened();
  put(root / "film", "old");
  const identity old = store.stat(at("film"))->id;
  const auto wrong = identity{old.dev, old.ino + 1, old.btime_ns};
  const auto made = whole_partial(store, id(1), "new");
  EXPECT_EQ(code_of(store.publish(*made, at("film"), replace(wrong))), errc::changed);
  EXPECT_EQ(code_of(store.publish(*made, at("missing"), replace(old))), errc::changed);
  EXPECT_EQ(text_of(root / "film"), "old");
  const auto reader = *store.open_content(at("film"));
  ASSERT_TRUE(store.publish(*made, at("film"), replace(old)));
  EXPECT_EQ(text_of(root / "film"), "new");
  std::array<std::byte, 8> out;
  EXPECT_EQ(reader->pread(0, out), 3u);  // who reads the old content goes on
  EXPECT_EQ(std::memcmp(out.data(), "old", 3), 0);
}

TEST_F(publishing, never_replaces_a_folder) {
  folder_store store = opened();
  fs::create_directory(root / "folder");
  const auto made = whole_partial(store, id(1), "new");
  const auto folder = store.stat(at("folder"))->id;
  EXPECT_EQ(code_of(store.publish(*made, at("folder"), replace(folder))), errc::not_a_file);
}

TEST_F(publishing, replayed_it_is_harmless) {
  folder_store store = opened();
  const auto made = whole_partial(store, id(1), "content");
  ASSERT_TRUE(store.publish(*made, at("film")));
  EXPECT_TRUE(store.publish(*made, at("film")));
  EXPECT_TRUE(store.publish(*made, at("film"), replace({1, 2, 3})));
  EXPECT_EQ(code_of(store.publish(*made, at("other"))), errc::not_found);
  EXPECT_EQ(text_of(root / "film"), "content");
}

TEST_F(publishing, works_without_rename_noreplace) {
  faulty_files files;
  folder_store store = opened(files);
  put(root / "taken", "old");
  const auto made = whole_partial(store, id(1), "new");
  files.fail_always(file_call::renameat2, -EINVAL);
  EXPECT_EQ(code_of(store.publish(*made, at("taken"))), errc::exists);
  EXPECT_TRUE(store.publish(*made, at("free")));
  EXPECT_EQ(text_of(root / "free"), "new");
  EXPECT_FALSE(has_partials());
}

// A process that dies between link and unlink leaves both names; publishing again ends it.
TEST_F(publishing, a_link_without_its_unlink_is_completed) {
  folder_store store = opened();
  const auto made = whole_partial(store, id(1), "new");
  fs::create_hard_link(root / ".sluice/partials" / (id(1).text() + ".part"), root / "film");
  EXPECT_TRUE(store.publish(*made, at("film")));
  EXPECT_FALSE(has_partials());
  EXPECT_EQ(text_of(root / "film"), "new");
}

TEST_F(publishing, of_eight_who_want_a_name_one_gets_it) {
  constexpr int threads = 8;
  constexpr int rounds = 50;
  folder_store store = opened();
  for (int round = 0; round < rounds; ++round) {
    const rel_path path = at("name" + std::to_string(round));
    std::atomic<int> won = 0;
    std::atomic<int> lost = 0;
    std::barrier start(threads);
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        const std::string mine = "writer " + std::to_string(i);
        auto made = whole_partial(store, id(static_cast<unsigned char>(i)), mine);
        start.arrive_and_wait();
        const auto done =
            i % 2 == 0 ? store.publish(*made, path) : store.put_small(path, bytes(mine), 0, false);
        if (done) {
          ++won;
          EXPECT_EQ(text_of(root / path.text()), mine);
        } else if (done.error().code == errc::exists) {
          ++lost;
        }
        if (!done || i % 2 == 1) {
          EXPECT_TRUE(store.remove_partial(made->id()));
        }
      });
    }
    running.clear();
    ASSERT_EQ(won, 1);
    ASSERT_EQ(lost, threads - 1);
  }
}

TEST_F(publishing, of_two_who_replace_a_file_the_later_one_waits_and_sees_the_change) {
  class slow_rename : public forwarding_files {
   public:
    slow_rename() : forwarding_files(linux_files()) {}
    int renameat2(int from_fd, const char* from, int to_fd, const char* to,
                  unsigned flags) override {
      if (const auto action = std::exchange(before_first, nullptr)) action();
      return forwarding_files::renameat2(from_fd, from, to_fd, to, flags);
    }
    std::function<void()> before_first;
  } files;
  folder_store store = opened(files);
  put(root / "film", "old");
  const identity old = store.stat(at("film"))->id;
  result<entry> later = fail(errc::internal);
  std::atomic<bool> ended = false;
  std::thread other;
  files.before_first = [&] {
    other = std::thread([&] {
      later = store.put_small(at("film"), bytes("later"), 0, false, replace(old));
      ended = true;
    });
    // Enough for one who does not wait.
    for (int i = 0; i < 20'000 && !ended; ++i) std::this_thread::yield();
  };
  const auto first = store.put_small(at("film"), bytes("first"), 0, false, replace(old));
  other.join();
  EXPECT_TRUE(first);
  EXPECT_EQ(code_of(later), errc::changed);
  EXPECT_EQ(text_of(root / "film"), "first");
}

TEST_F(publishing, of_eight_who_replace_a_file_one_does) {
  constexpr int threads = 8;
  folder_store store = opened();
  for (int round = 0; round < 50; ++round) {
    put(root / "film", "old");
    const identity old = store.stat(at("film"))->id;
    std::atomic<int> won = 0;
    std::atomic<bool> taken = false;
    std::barrier start(threads);
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        start.arrive_and_wait();
        if (i == 0) {
          (void)store.remove(at("film"), false);
          taken = store.put_small(at("film"), bytes("free taker"), 0, false).has_value();
          return;
        }
        const auto done = store.put_small(at("film"), bytes("replacer"), 0, false, replace(old));
        if (done) {
          ++won;
        } else {
          EXPECT_EQ(done.error().code, errc::changed);
        }
      });
    }
    running.clear();
    ASSERT_LE(won, 1);
    // Whoever took the free name was not overwritten by one who named the old file.
    ASSERT_EQ(text_of(root / "film"), taken ? "free taker" : "replacer");
    ASSERT_FALSE(has_partials());
    fs::remove(root / "film");
  }
}

using small_files = publishing;

TEST_F(small_files, staged_ones_have_content_before_a_name) {
  faulty_files files;
  for (const bool no_tmpfile : {false, true}) {
    files.no_tmpfile = no_tmpfile;
    folder_store store = opened(files);
    const std::string name = no_tmpfile ? "b" : "a";
    auto staged = store.stage_small(bytes("text"), 7, true, false);
    ASSERT_TRUE(staged) << staged.error().message();
    EXPECT_EQ(code_of(store.stat(at(name))), errc::not_found);
    const auto done = store.publish(*staged, at(name));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(*done, *store.stat(at(name)));
    EXPECT_EQ(done->id, staged->info().id);
    EXPECT_EQ(text_of(root / name), "text");
    EXPECT_FALSE(has_partials());
  }
}

TEST_F(small_files, staged_ones_leave_nothing_when_dropped_or_refused) {
  put(root / "taken", "old");
  faulty_files files;
  for (const bool no_tmpfile : {false, true}) {
    files.no_tmpfile = no_tmpfile;
    folder_store store = opened(files);
    {
      auto staged = store.stage_small(bytes("text"), 7, false, false);
      ASSERT_TRUE(staged);
      const staged_file moved = std::move(*staged);
      EXPECT_EQ(has_partials(), no_tmpfile);
    }
    EXPECT_FALSE(has_partials());
    {
      auto staged = store.stage_small(bytes("text"), 7, false, false);
      EXPECT_EQ(code_of(store.publish(*staged, at("taken"))), errc::exists);
      EXPECT_TRUE(store.publish(*staged, at("free" + std::to_string(no_tmpfile))));
    }
    EXPECT_FALSE(has_partials());
  }
}

TEST_F(small_files, staged_for_a_free_name_replace_nothing) {
  folder_store store = opened();
  put(root / "film", "old");
  auto staged = store.stage_small(bytes("text"), 7, false, false);
  const identity old = store.stat(at("film"))->id;
  EXPECT_EQ(code_of(store.publish(*staged, at("film"), replace(old))), errc::invalid_argument);
}

TEST_F(small_files, are_whole_and_as_told) {
  folder_store store = opened();
  const mode_t mask = ::umask(022);
  ::umask(mask);
  for (const bool executable : {false, true}) {
    const std::string name = executable ? "tool" : "note";
    const auto done = store.put_small(at(name), bytes("text"), 42'000'000'001, executable);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(*done, *store.stat(at(name)));
    EXPECT_EQ(done->mtime_ns, 42'000'000'001);
    EXPECT_EQ(done->executable, executable);
    EXPECT_EQ(text_of(root / name), "text");
    struct stat seen{};
    ASSERT_EQ(::stat((root / name).c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, (executable ? 0777u : 0666u) & ~mask);
  }
  EXPECT_FALSE(has_partials());
}

TEST_F(small_files, have_1_mib_at_most_and_may_be_empty) {
  folder_store store = opened();
  std::string text(base::small_file_bytes_max, 'x');
  EXPECT_TRUE(store.put_small(at("full"), bytes(text), 0, false));
  EXPECT_EQ(fs::file_size(root / "full"), base::small_file_bytes_max);
  text += 'x';
  EXPECT_EQ(code_of(store.put_small(at("over"), bytes(text), 0, false)), errc::invalid_argument);
  EXPECT_TRUE(store.put_small(at("empty"), {}, 0, false));
  EXPECT_EQ(fs::file_size(root / "empty"), 0u);
}

TEST_F(small_files, never_sync) {
  faulty_files files;
  folder_store store = opened(files);
  const int before = files.count(file_call::fsync);
  ASSERT_TRUE(store.put_small(at("a"), bytes("x"), 0, false));
  EXPECT_EQ(files.count(file_call::fsync), before);
  EXPECT_EQ(files.count(file_call::fdatasync) + files.count(file_call::syncfs), 0);
}

TEST_F(small_files, work_without_tmpfile_and_leave_nothing) {
  faulty_files files;
  folder_store store = opened(files);
  files.no_tmpfile = true;
  ASSERT_TRUE(store.put_small(at("a"), bytes("one"), 7, false));
  EXPECT_EQ(files.count(file_call::linkat), 0);
  EXPECT_EQ(files.count(file_call::renameat2), 1);
  EXPECT_EQ(text_of(root / "a"), "one");
  EXPECT_EQ(code_of(store.put_small(at("a"), bytes("two"), 7, false)), errc::exists);
  EXPECT_FALSE(has_partials());
}

TEST_F(small_files, work_where_a_descriptor_cannot_be_linked) {
  faulty_files files;
  folder_store store = opened(files);
  files.fail_next(file_call::linkat, -ENOENT);
  EXPECT_TRUE(store.put_small(at("a"), bytes("one"), 7, false));
  EXPECT_EQ(files.count(file_call::linkat), 2);
  EXPECT_EQ(text_of(root / "a"), "one");
}

TEST_F(small_files, replace_what_was_named) {
  folder_store store = opened();
  const auto first = store.put_small(at("a"), bytes("one"), 0, false);
  const auto second = store.put_small(at("a"), bytes("two"), 0, false, replace(first->id));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(text_of(root / "a"), "two");
  EXPECT_EQ(code_of(store.put_small(at("a"), bytes("3"), 0, false, replace(first->id))),
            errc::changed);
  EXPECT_EQ(text_of(root / "a"), "two");
  EXPECT_FALSE(has_partials());
}

TEST_F(small_files, short_counts_interruptions_and_faults) {
  faulty_files files;
  folder_store store = opened(files);
  const std::string text(5'000, 'y');
  files.most_bytes = 999;
  files.interrupt(true);
  EXPECT_TRUE(store.put_small(at("a"), bytes(text), 0, false));
  EXPECT_EQ(text_of(root / "a"), text);
  files.interrupt(false);
  files.fail_next(file_call::pwrite, -ENOSPC);
  EXPECT_EQ(code_of(store.put_small(at("b"), bytes(text), 0, false)), errc::no_space);
  files.fail_next(file_call::futimens, -EIO);
  EXPECT_EQ(code_of(store.put_small(at("b"), bytes(text), 0, false)), errc::io);
  files.fail_next(file_call::linkat, -ENOSPC);
  EXPECT_EQ(code_of(store.put_small(at("b"), bytes(text), 0, false)), errc::no_space);
  EXPECT_EQ(code_of(store.stat(at("b"))), errc::not_found);
  EXPECT_TRUE(store.put_small(at("b"), bytes(text), 0, false));
}

}  // namespace
}  // namespace sluice::store
