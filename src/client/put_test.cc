// put of single files and of standard input, against a server with faults.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "client/client_testing.h"
#include "client/fake_server.h"
#include "client/put_file.h"

namespace sluice::client {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::size_t mib = std::size_t{1} << 20;

class Put : public testing::Test {
 protected:
  result<summary> put(const std::string& name, const std::string& path) {
    return client::put({folder.at(name)}, server.at(path), options, watcher);
  }
  std::string there(const std::string& path) {
    return server.file(path).value_or(fake_file{}).content;
  }

  fake_server server;
  test_folder folder;
  memory_observer watcher;
  put_options options;
};

TEST_F(Put, BringsContentTimeAndMode) {
  const auto content = content_of(5 * mib + 123);
  folder.write("film.mp4", content);
  std::filesystem::permissions(folder.at("film.mp4"), std::filesystem::perms{0755});
  const struct ::timespec times[2]{{1'500'000'000, 42}, {1'500'000'000, 42}};
  ASSERT_EQ(::utimensat(AT_FDCWD, folder.at("film.mp4").c_str(), times, 0), 0);
  const auto done = put("film.mp4", "a/");
  ASSERT_TRUE(done) << done.error().message();
  const auto file = server.file("a/film.mp4");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->content, content);
  EXPECT_EQ(file->mtime_ns, 1'500'000'000'000'000'042);
  EXPECT_TRUE(file->executable);
  EXPECT_EQ(done->files, 1U);
  EXPECT_EQ(done->bytes_moved, content.size());
  EXPECT_EQ(watcher.last.bytes_done, content.size());
}

TEST_F(Put, SizesAroundABlock) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, mib - 1, mib, mib + 1, 2 * mib}) {
    const auto name = "f" + std::to_string(size);
    folder.write(name, content_of(size, static_cast<unsigned>(size)));
    const auto done = put(name, name);
    ASSERT_TRUE(done) << size << ": " << done.error().message();
    ASSERT_TRUE(server.file(name));
    EXPECT_EQ(there(name), content_of(size, static_cast<unsigned>(size))) << size;
  }
}

TEST_F(Put, ManyStreams) {
  const auto content = content_of(40 * mib + 1);
  folder.write("big", content);
  options.streams = 8;
  const auto done = put("big", "big");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(there("big"), content);
  EXPECT_EQ(server.blocks_received(), 41);
}

TEST_F(Put, ABlockMayBeRefusedTwice) {
  for (const std::size_t size : {std::size_t{1000}, 2 * mib}) {
    const auto name = "f" + std::to_string(size);
    folder.write(name, content_of(size));
    options.streams = 1;
    server.inject([](faults& f) { f.refused_blocks = 2; });
    const auto done = put(name, name);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(there(name), content_of(size));
    EXPECT_EQ(done->blocks_repeated, 2U);
  }
}

TEST_F(Put, ABlockThatIsRefusedThreeTimesIsTheEnd) {
  folder.write("small", content_of(1000));
  folder.write("large", content_of(2 * mib));
  for (const std::string name : {"small", "large"}) {
    server.inject([](faults& f) { f.refused_blocks = 1'000; });
    const auto done = put(name, name);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::bad_digest) << done.error().message();
    EXPECT_FALSE(server.file(name));
  }
}

TEST_F(Put, GoesOnWhenConnectionsAreLost) {
  const auto content = content_of(20 * mib);
  folder.write("f", content);
  server.inject([](faults& f) {
    f.losses = 3;
    f.blocks_before_loss = 4;
  });
  const auto done = put("f", "f");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(there("f"), content);
}

TEST_F(Put, LostLastAnswerIsStillDone) {
  folder.write("large", content_of(3 * mib));
  folder.write("small", content_of(10));
  for (const std::string name : {"large", "small"}) {
    server.inject([](faults& f) { f.loses_finish_answer = true; });
    const auto done = put(name, name);
    ASSERT_TRUE(done) << name << ": " << done.error().message();
    EXPECT_EQ(there(name), folder.read(name));
  }
}

TEST_F(Put, ResumeSendsOnlyWhatIsMissing) {
  const auto content = content_of(12 * mib);
  folder.write("f", content);
  server.inject([](faults& f) {
    f.losses = 1'000;
    f.blocks_before_loss = 5;
  });
  std::stop_source stop;
  options.stop = stop.get_token();
  options.streams = 1;
  watcher.on_call = [&](const progress&) {
    if (server.blocks_received() >= 5) stop.request_stop();
  };
  const auto first = put("f", "f");
  ASSERT_FALSE(first);
  server.inject([](faults& f) { f.losses = 0; });
  options.stop = {};
  watcher.on_call = {};
  const int before = server.blocks_received();
  ASSERT_GE(before, 5);
  const auto second = put("f", "f");
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(there("f"), content);
  EXPECT_LE(server.blocks_received() - before, 12 - 5);
  EXPECT_TRUE(watcher.saw(phase::comparing));
}

TEST_F(Put, IdenticalFileIsLeftAlone) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, 3 * mib}) {
    server.set("f", content_of(size));
    folder.write("f", content_of(size));
    const auto done = put("f", "f");
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->files_unchanged, 1U);
    EXPECT_EQ(server.blocks_received(), 0);
  }
}

TEST_F(Put, DifferentFileIsNotOverwritten) {
  for (const std::size_t size : {std::size_t{10}, 3 * mib}) {
    server.set("f", content_of(3 * mib, 2));
    folder.write("f", content_of(size));
    const auto done = put("f", "f");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::exists);
    EXPECT_THAT(done.error().message(), HasSubstr("another file has that name"));
    EXPECT_EQ(server.blocks_received(), 0);
    EXPECT_EQ(there("f"), content_of(3 * mib, 2));
  }
}

TEST_F(Put, OverwriteReplaces) {
  for (const std::size_t size : {std::size_t{10}, 3 * mib}) {
    server.set("f", content_of(3 * mib, 2));
    folder.write("f", content_of(size));
    options.overwrite = true;
    const auto done = put("f", "f");
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(there("f"), content_of(size));
  }
}

TEST_F(Put, SomebodyElseIsFaster) {
  folder.write("f", content_of(3 * mib));
  server.inject([](faults& f) { f.exists_at_finish = true; });
  const auto done = put("f", "f");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::exists);
  EXPECT_EQ(there("f"), "another's");
}

TEST_F(Put, ASourceThatChangesIsNotPublished) {
  folder.write("f", content_of(30 * mib));
  options.streams = 1;
  bool written = false;
  watcher.on_call = [&](const progress& now) {
    if (written || now.bytes_done == 0) return;
    written = true;
    std::ofstream(folder.at("f"), std::ios::app) << "more";
  };
  const auto done = put("f", "f");
  ASSERT_TRUE(written);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::changed) << done.error().message();
  EXPECT_FALSE(server.file("f"));
}

TEST_F(Put, MissingSourceAndSpecialNames) {
  const auto missing = put("no-such", "x");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::not_found);
  folder.write(".hidden", "x");
  const auto hidden = put(".hidden", "folder/");
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().code, errc::invalid_argument);
}

TEST_F(Put, NobodyListens) {
  folder.write("f", "x");
  url nobody = server.at("f");
  {
    const fake_server gone;
    nobody = gone.at("f");
  }
  const auto done = client::put({folder.at("f")}, nobody, options, watcher);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::cannot_connect);
}

class Input : public Put {
 protected:
  // Uploads `content` through a pipe.
  result<file_outcome> put_in(const std::string& path, const std::string& content,
                              std::optional<remote_entry> there = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::unique_fd out(ends[0]);
    std::thread writer([fd = ends[1], &content] {
      for (std::size_t at = 0; at < content.size();) {
        const auto put = ::write(fd, content.data() + at, content.size() - at);
        if (put <= 0) break;
        at += static_cast<std::size_t>(put);
      }
      ::close(fd);
    });
    session work(options, watcher);
    work.set_retries({.pauses = {1ms, 1ms, 1ms, 1ms}});
    auto outcome =
        work.run(put_from_input(work, server.at(path), path, out.get(), std::move(there), options));
    // What is not wanted any more is drained, so that the writer ends.
    char rest[65536];
    while (::read(out.get(), rest, sizeof rest) > 0) {
    }
    writer.join();
    return outcome;
  }
};

TEST_F(Input, AnySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, mib, 40 * mib + 3}) {
    const auto name = "in" + std::to_string(size);
    const auto content = content_of(size);
    const auto done = put_in(name, content);
    ASSERT_TRUE(done) << size << ": " << done.error().message();
    ASSERT_TRUE(server.file(name));
    EXPECT_EQ(there(name), content);
  }
}

TEST_F(Input, IsKeptUntilItIsDurable) {
  const auto content = content_of(40 * mib + 3);
  server.inject([](faults& f) {
    f.losses = 3;
    f.blocks_before_loss = 11;
    f.refused_blocks = 2;
  });
  const auto done = put_in("in", content);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(there("in"), content);
}

TEST_F(Input, ATakenNameIsToldBeforeAnythingIsRead) {
  remote_entry there{.path = "in", .size_bytes = 3, .identity = {}};
  const auto done = put_in("in", "new", there);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::exists);
}

}  // namespace
}  // namespace sluice::client
