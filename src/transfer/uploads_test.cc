#include "transfer/uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <thread>
#include <utility>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

upload_request resuming(upload_request wanted) {
  wanted.resume = true;
  return wanted;
}

TEST(uploads, a_new_one_holds_nothing_and_has_a_partial_and_a_row) {
  world w;
  const auto opened = value(w.uploads().open(request_for("a", 5 * mib)));
  EXPECT_FALSE(opened.resumed);
  EXPECT_FALSE(opened.done);
  EXPECT_EQ(opened.upload->held_count(), 0U);
  EXPECT_EQ(opened.upload->id().size(), 32U);
  EXPECT_EQ(w.partial_count(), 1U);
  const auto row = value(w.catalog().read(
      [&](catalog::session& s) { return catalog::find_upload(s, opened.upload->id()); }));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->path, "a");
}

TEST(uploads, of_one_file_are_apart_unless_resume_is_asked) {
  world w;
  const auto wanted = request_for("a", 5 * mib);
  const auto first = value(w.uploads().open(wanted)).upload;
  const auto second = value(w.uploads().open(wanted)).upload;
  EXPECT_NE(first->id(), second->id());
  const auto again = value(w.uploads().open(resuming(wanted)));
  EXPECT_TRUE(again.resumed);
  EXPECT_TRUE(again.upload == first || again.upload == second);
  for (int what = 0; what < 3; ++what) {
    auto other = resuming(wanted);
    if (what == 0) other.path = request_for("b", 0).path;
    if (what == 1) other.size_bytes = 5 * mib + 1;
    if (what == 2) other.mtime_ns += 1;
    EXPECT_FALSE(value(w.uploads().open(other)).resumed) << what;
  }
}

TEST(uploads, a_resuming_request_brings_its_own_wishes) {
  world w;
  auto wanted = request_for("a", mib);
  const auto content = content_of(mib);
  const auto id = value(w.uploads().open(wanted)).upload->id();
  wanted.executable = true;
  ASSERT_EQ(value(w.uploads().open(resuming(wanted))).upload->id(), id);
  w.reopen();
  const auto one = value(w.uploads().join(id)).upload;
  send_all(*one->attach({}, unasked()), content);
  EXPECT_TRUE(value(finish(*one)).executable);
}

TEST(uploads, joined_by_id_are_the_same_upload) {
  world w;
  const auto one = value(w.uploads().open(request_for("a", mib))).upload;
  EXPECT_EQ(value(w.uploads().join(one->id())).upload, one);
  EXPECT_FAILS(w.uploads().join("0123456789abcdef0123456789abcdef"), errc::not_found);
  EXPECT_FAILS(w.uploads().join("nonsense"), errc::not_found);
}

TEST(uploads, go_on_after_everything_was_closed) {
  world w;
  const auto content = content_of(5 * mib + 1);
  std::string id;
  {
    const auto one = value(w.uploads().open(request_for("a", content.size()))).upload;
    id = one->id();
    const auto writer = one->attach({}, unasked());
    for (std::uint64_t block : {1, 2, 5}) ASSERT_TRUE(send(*writer, content, block));
  }
  w.reopen();
  const auto opened = value(w.uploads().open(resuming(request_for("a", content.size()))));
  EXPECT_TRUE(opened.resumed);
  EXPECT_EQ(opened.upload->id(), id);
  EXPECT_THAT(opened.upload->durable(), ElementsAre(block_range{1, 2}, block_range{5, 1}));
  const auto writer = opened.upload->attach({}, unasked());
  for (std::uint64_t block : {0, 3, 4}) ASSERT_TRUE(send(*writer, content, block));
  ASSERT_TRUE(finish(*opened.upload));
  EXPECT_EQ(w.read("a"), content);
}

TEST(uploads, of_unknown_size_go_on_after_everything_was_closed) {
  world w;
  const auto content = content_of(2 * mib + 1);
  auto id = std::string();
  {
    const auto one = value(w.uploads().open(request_for("a", std::nullopt))).upload;
    id = one->id();
    ASSERT_TRUE(send(*one->attach({}, unasked()), content, 2));
  }
  w.reopen();
  const auto one = value(w.uploads().join(id)).upload;
  EXPECT_EQ(one->size_bytes(), content.size());
  const auto writer = one->attach({}, unasked());
  for (std::uint64_t block : {0, 1}) ASSERT_TRUE(send(*writer, content, block));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
}

TEST(uploads, finished_ones_are_remembered_by_id) {
  world w;
  const auto content = content_of(mib + 1);
  const auto one = value(w.uploads().open(request_for("a.mov", content.size()))).upload;
  send_all(*one->attach({}, unasked()), content);
  const auto entry = value(finish(*one));
  EXPECT_EQ(value(finish(*one)), entry);
  for (int again = 0; again < 2; ++again) {
    const auto joined = value(w.uploads().join(one->id()));
    EXPECT_FALSE(joined.upload);
    ASSERT_TRUE(joined.done);
    EXPECT_EQ(*joined.done, entry);
    (void)w.uploads().open_count();  // puts it away
  }
  const auto id = one->id();
  w.reopen();
  EXPECT_EQ(value(w.uploads().join(id)).done, entry);
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(23)));
  EXPECT_TRUE(w.uploads().join(id));
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(1)));
  EXPECT_FAILS(w.uploads().join(id), errc::not_found);
  EXPECT_EQ(w.read("a.mov"), content);
}

TEST(uploads, are_limited_in_number) {
  auto opts = world::quiet();
  opts.open_uploads_max = 3;
  world w(opts);
  std::vector<std::shared_ptr<upload>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(value(w.uploads().open(request_for("f" + std::to_string(i), 0))).upload);
  }
  EXPECT_FAILS(w.uploads().open(request_for("g", 0)), errc::busy);
  EXPECT_TRUE(w.uploads().open(resuming(request_for("f1", 0))));
  ASSERT_TRUE(finish(*all[0]));
  EXPECT_TRUE(w.uploads().open(request_for("g", 0)));
  EXPECT_FAILS(w.uploads().open(request_for("h", 0)), errc::busy);
  ASSERT_TRUE(all[1]->abort());
  EXPECT_TRUE(w.uploads().open(request_for("h", 0)));
}

TEST(uploads, of_a_taken_name_are_refused_at_once) {
  world w;
  w.write("a", content_of(10));
  EXPECT_FAILS(w.uploads().open(request_for("a", mib)), errc::exists);
  EXPECT_FAILS(w.uploads().open(request_for("none/a", mib)), errc::not_found);
  EXPECT_FAILS(w.uploads().open(request_for("a/b", mib)), errc::not_a_file);
  EXPECT_EQ(w.partial_count(), 0U);
}

TEST(uploads, replace_what_they_name_and_nothing_else) {
  world w;
  const auto content = content_of(mib);
  w.write("a", content_of(10));
  const auto there = value(w.tree().stat("a"));
  auto wanted = request_for("a", mib);
  wanted.replaces = {there.size_bytes + 1, there.mtime_ns};
  EXPECT_FAILS(w.uploads().open(wanted), errc::conflict);
  wanted.replaces = {there.size_bytes, there.mtime_ns + 1};
  EXPECT_FAILS(w.uploads().open(wanted), errc::conflict);
  wanted.replaces = {there.size_bytes, there.mtime_ns};
  const auto one = value(w.uploads().open(wanted)).upload;
  send_all(*one->attach({}, unasked()), content);
  w.write("a", content_of(11));
  EXPECT_FAILS(finish(*one), errc::conflict);
  EXPECT_EQ(w.read("a").size(), 11U);
  const auto now = value(w.tree().stat("a"));
  wanted.replaces = {now.size_bytes, now.mtime_ns};
  ASSERT_EQ(value(w.uploads().open(resuming(wanted))).upload, one);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
  wanted.path = request_for("gone", 0).path;
  EXPECT_FAILS(w.uploads().open(wanted), errc::conflict);
}

TEST(uploads, make_the_folders_above_where_asked) {
  world w;
  auto wanted = request_for("x/y/a", 0);
  wanted.make_parents = true;
  const auto one = value(w.uploads().open(wanted)).upload;
  EXPECT_FALSE(std::filesystem::exists(w.root() / "x"));
  ASSERT_TRUE(finish(*one));
  EXPECT_TRUE(std::filesystem::exists(w.root() / "x/y/a"));
}

// One name, many writers: one wins, the others are told and keep their bytes.
TEST(uploads, sixteen_that_finish_to_one_name) {
  world w;
  std::vector<std::shared_ptr<upload>> all;
  std::vector<bytes> contents;
  for (std::uint64_t i = 0; i < 16; ++i) {
    contents.push_back(content_of(mib + 1 + i, i + 1));
    all.push_back(value(w.uploads().open(request_for("a", contents.back().size()))).upload);
    send_all(*all.back()->attach({}, unasked()), contents.back());
  }
  std::vector<result<store::entry>> outcomes(16, fail(errc::internal));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] { outcomes[i] = finish(*all[i]); });
  }
  for (auto& thread : threads) thread.join();
  std::size_t winner = 16;
  for (std::size_t i = 0; i < 16; ++i) {
    if (outcomes[i]) {
      EXPECT_EQ(winner, 16U) << "two won";
      winner = i;
    } else {
      EXPECT_EQ(outcomes[i].error().code, errc::exists) << outcomes[i].error().message();
    }
  }
  ASSERT_LT(winner, 16U);
  EXPECT_EQ(w.read("a"), contents[winner]);
  std::vector<std::string> ids;
  for (const auto& one : all) ids.push_back(one->id());
  all.clear();
  w.reopen();
  std::filesystem::remove(w.root() / "a");
  const std::size_t next = winner == 0 ? 1 : 0;
  const auto kept = value(w.uploads().join(ids[next])).upload;
  EXPECT_EQ(kept->held_count(), 2U);
  ASSERT_TRUE(finish(*kept));
  EXPECT_EQ(w.read("a"), contents[next]);
  EXPECT_EQ(w.uploads().open_count(), 14U);
  EXPECT_EQ(w.partial_count(), 14U);
}

TEST(uploads, that_lost_the_name_take_blocks_again) {
  world w;
  const auto first = content_of(mib, 1), second = content_of(mib, 2);
  const auto one = value(w.uploads().open(request_for("a", mib))).upload;
  const auto writer = one->attach({}, unasked());
  send_all(*writer, first);
  w.write("a", second);
  EXPECT_FAILS(finish(*one), errc::exists);
  std::filesystem::remove(w.root() / "a");
  ASSERT_TRUE(send(*writer, second, 0));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), second);
}

// Does something right before a file gets its name.
class before_naming : public store::forwarding_files {
 public:
  before_naming() : forwarding_files(store::linux_files()) {}
  int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) override {
    if (auto now = std::exchange(action, nullptr)) now();
    return forwarding_files::renameat2(from_fd, from, to_fd, to, flags);
  }
  std::function<void()> action;
};

// Or before a folder is synced.
class before_syncing : public store::forwarding_files {
 public:
  before_syncing() : forwarding_files(store::linux_files()) {}
  int fsync(int fd) override {
    if (auto now = std::exchange(action, nullptr)) now();
    return forwarding_files::fsync(fd);
  }
  std::function<void()> action;
};

TEST(uploads, that_are_being_made_are_not_made_twice) {
  before_syncing files;
  world w(world::quiet(), files);
  const auto wanted = resuming(request_for("a", 2 * mib));
  std::future<result<opened_upload>> again;
  files.action = [&] {
    again = std::async(std::launch::async, [&] { return w.uploads().open(wanted); });
    (void)again.wait_for(std::chrono::milliseconds(100));  // as below
  };
  const auto one = value(w.uploads().open(wanted)).upload;
  EXPECT_EQ(value(again.get()).upload, one);
  EXPECT_EQ(w.partial_count(), 1U);
}

// As a client does that was killed behind its last request and is run again.
TEST(uploads, that_are_being_published_are_not_begun_anew) {
  before_naming files;
  world w(world::quiet(), files);
  const auto content = content_of(2 * mib);
  const auto wanted = request_for("a", content.size());
  const auto one = value(w.uploads().open(wanted)).upload;
  send_all(*one->attach({}, unasked()), content);
  std::future<result<opened_upload>> again;
  files.action = [&] {
    again = std::async(std::launch::async, [&] { return w.uploads().open(resuming(wanted)); });
    // It waits for us; where it does not, it has its answer by then.
    (void)again.wait_for(std::chrono::milliseconds(100));
  };
  ASSERT_TRUE(finish(*one));
  EXPECT_FAILS(again.get(), errc::exists);
  EXPECT_EQ(w.partial_count(), 0U);
}

TEST(uploads, that_are_being_published_are_done_for_whoever_asks) {
  before_naming files;
  world w(world::quiet(), files);
  const auto content = content_of(2 * mib);
  const auto one = value(w.uploads().open(request_for("a", content.size()))).upload;
  send_all(*one->attach({}, unasked()), content);
  std::future<result<store::entry>> again;
  files.action = [&] {
    again = std::async(std::launch::async, [&] { return finish(*one); });
    (void)again.wait_for(std::chrono::milliseconds(100));  // as above
  };
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(value(again.get()).size_bytes, content.size());
}

TEST(uploads, that_nobody_uses_are_put_away_and_loaded_again) {
  world w;
  const auto content = content_of(2 * mib);
  auto one = value(w.uploads().open(request_for("a", content.size()))).upload;
  const auto id = one->id();
  ASSERT_TRUE(send(*one->attach({}, unasked()), content, 1));
  ASSERT_TRUE(checkpoint(*one));
  std::weak_ptr<upload> seen = one;
  one.reset();
  // The last owner may still be on its way out of the checkpoint.
  while (!seen.expired()) (void)w.uploads().open_count();
  const auto again = value(w.uploads().join(id)).upload;
  EXPECT_EQ(again->held_count(), 1U);
  ASSERT_TRUE(send(*again->attach({}, unasked()), content, 0));
  ASSERT_TRUE(finish(*again));
  EXPECT_EQ(w.read("a"), content);
}

TEST(uploads, idle_ones_expire_by_the_time_that_a_server_ran) {
  world w;
  auto old = value(w.uploads().open(request_for("a", mib))).upload->id();
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(7 * 24 - 1)));
  const auto used = value(w.uploads().open(request_for("b", mib))).upload;
  EXPECT_TRUE(w.uploads().join(old));
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(1)));
  EXPECT_FAILS(w.uploads().join(old), errc::not_found);
  EXPECT_EQ(w.partial_count(), 1U);
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(8 * 24)));
  EXPECT_TRUE(w.uploads().join(used->id())) << "somebody uses it";
}

TEST(uploads, a_block_that_became_durable_ends_the_idle_time) {
  world w;
  const auto content = content_of(2 * mib);
  std::string id;
  {
    const auto one = value(w.uploads().open(request_for("a", 2 * mib))).upload;
    id = one->id();
    ASSERT_TRUE(w.uploads().age(std::chrono::hours(6 * 24)));
    ASSERT_TRUE(send(*one->attach({}, unasked()), content, 0));
  }
  w.reopen();  // the end makes it durable
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(6 * 24)));
  EXPECT_TRUE(w.uploads().join(id));
}

// A real kill: a child receives blocks, tells which are durable, and is killed while it goes on.
TEST(uploads, killed_at_any_time_lose_nothing_that_was_told_durable) {
  catalog::test::folder where;
  const auto content = content_of(24 * mib + 11);
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::string id;
  std::set<std::uint64_t> told;
  const auto child = [&](int out) {
    auto store = value(store::folder_store::open(store::linux_files(), where.path()));
    auto db = value(catalog::database::open(where.path() / ".sluice"));
    site here{store, *db, world::quiet()};
    auto all = value(uploads::start(here));
    auto one = value(all->open(resuming(request_for("a", content.size())))).upload;
    const auto report_to = [&](const durability_report& report) {
      for (const auto& range : report.durable) {
        for (std::uint64_t i = 0; i < range.count; ++i) {
          const auto block = static_cast<char>(range.first + i);
          if (::write(out, &block, 1) != 1) ::_exit(3);
        }
      }
    };
    const auto writer = one->attach(report_to, unasked());
    for (std::uint64_t block = 0;; block = (block + 7) % block_count(content)) {
      value(send(*writer, content, block));
      if (block % 3 == 0) value(checkpoint(*one));
    }
  };
  for (int round = 0; round < 6; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::close(ends[0]);
      try {
        child(ends[1]);
      } catch (const std::exception& thrown) {
        std::cerr << thrown.what() << "\n";
      }
      ::_exit(2);
    }
    ::close(ends[1]);
    const auto enough = 1 + random() % 10;
    for (std::size_t seen = 0; seen < enough; ++seen) {
      char block = 0;
      ASSERT_EQ(::read(ends[0], &block, 1), 1) << "the child ended by itself";
      told.insert(static_cast<std::uint64_t>(block));
    }
    ::kill(pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status));
    for (char block = 0; ::read(ends[0], &block, 1) == 1;) {
      told.insert(static_cast<std::uint64_t>(block));
    }
    ::close(ends[0]);

    auto store = value(store::folder_store::open(store::linux_files(), where.path()));
    auto db = value(catalog::database::open(where.path() / ".sluice"));
    site here{store, *db, world::quiet()};
    auto all = value(uploads::start(here));
    EXPECT_EQ(all->open_count(), 1U);
    auto one = value(all->open(resuming(request_for("a", content.size())))).upload;
    std::set<std::uint64_t> held;
    for (const auto& each : value(one->digests(0, block_count(content), digest_source::content))) {
      EXPECT_EQ(each.digest, base::digest_of(block_of(content, each.block)));
      EXPECT_EQ(each.digest, each.recorded);
      held.insert(each.block);
    }
    for (const auto block : told) EXPECT_TRUE(held.contains(block)) << block;
  }
}

}  // namespace
}  // namespace sluice::transfer
