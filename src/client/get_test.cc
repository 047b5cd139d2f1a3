// get of single files, against a server with faults.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "client/client_testing.h"
#include "client/fake_server.h"
#include "client/get_file.h"
#include "client/local_file.h"
#include "client/names.h"

namespace sluice::client {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::size_t mib = std::size_t{1} << 20;

class Get : public testing::Test {
 protected:
  result<summary> get(const std::string& path, const std::string& target) {
    return client::get({server.at(path)}, target, options, watcher);
  }

  fake_server server;
  test_folder folder;
  memory_observer watcher;
  get_options options;
};

TEST_F(Get, BringsContentTimeAndMode) {
  const auto content = content_of(5 * mib + 123);
  server.set("a/film.mp4", content);
  const auto done = get("a/film.mp4", folder.at("film.mp4"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("film.mp4"), content);
  EXPECT_EQ(done->files, 1U);
  EXPECT_EQ(done->bytes, content.size());
  EXPECT_EQ(done->bytes_moved, content.size());
  struct ::stat told{};
  ASSERT_EQ(::stat(folder.at("film.mp4").c_str(), &told), 0);
  EXPECT_EQ(facts_of(told).mtime_ns, 1'600'000'000'123'456'789);
  EXPECT_EQ(told.st_mode & 0777, 0666U & ~current_umask());
  EXPECT_EQ(folder.names(), std::vector<std::string>{"film.mp4"});  // and no partial
  EXPECT_EQ(watcher.last.bytes_done, content.size());
  EXPECT_TRUE(watcher.saw(phase::receiving));
  EXPECT_TRUE(watcher.saw(phase::syncing));
}

TEST_F(Get, SizesAroundABlock) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, mib - 1, mib, mib + 1, 2 * mib}) {
    const auto name = "f" + std::to_string(size);
    server.set(name, content_of(size, static_cast<unsigned>(size)));
    const auto done = get(name, folder.at(""));
    ASSERT_TRUE(done) << size << ": " << done.error().message();
    EXPECT_EQ(folder.read(name), content_of(size, static_cast<unsigned>(size))) << size;
  }
}

TEST_F(Get, ManyStreams) {
  const auto content = content_of(40 * mib + 1);
  server.set("big", content);
  options.streams = 16;
  const auto done = get("big", folder.at("big"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("big"), content);
  EXPECT_EQ(server.blocks_sent(), 41);
}

TEST_F(Get, ABlockMayBeDamagedTwice) {
  server.set("f", content_of(1000));
  server.inject([](faults& f) { f.damaged_blocks = 2; });
  const auto done = get("f", folder.at("f"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("f"), content_of(1000));
  EXPECT_EQ(done->blocks_repeated, 2U);
}

TEST_F(Get, ABlockThatIsDamagedThreeTimesIsTheEnd) {
  server.set("f", content_of(1000));
  server.inject([](faults& f) { f.damaged_blocks = 3; });
  const auto done = get("f", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::bad_digest);
  EXPECT_THAT(done.error().message(), HasSubstr("block 0"));
  EXPECT_FALSE(folder.has("f"));
}

TEST_F(Get, RefusedVersionTellsBothRanges) {
  server.inject([](faults& f) { f.answer = {.chosen = 0, .spoken = {.lowest = 7, .highest = 9}}; });
  const auto done = get("f", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::unsupported);
  EXPECT_THAT(done.error().message(), HasSubstr("version 1"));
  EXPECT_THAT(done.error().message(), HasSubstr("7 to 9"));
}

TEST_F(Get, NotFoundNamesTheFile) {
  const auto done = get("no/such", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::not_found);
  EXPECT_THAT(done.error().message(), HasSubstr("no/such"));
}

TEST_F(Get, GoesOnWhenConnectionsAreLost) {
  const auto content = content_of(20 * mib);
  server.set("f", content);
  server.inject([](faults& f) {
    f.losses = 3;
    f.blocks_before_loss = 4;
  });
  const auto done = get("f", folder.at("f"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("f"), content);
  EXPECT_EQ(server.blocks_sent(), 20);  // what had arrived was not fetched again
  EXPECT_EQ(server.connections(), 4);
}

TEST_F(Get, GivesUpWhenNothingMovesAnyMore) {
  server.set("f", content_of(3 * mib));
  server.inject([](faults& f) {
    f.losses = 1'000;
    f.blocks_before_loss = 0;
  });
  session work(options, watcher);
  work.set_retries({.pauses = {1ms, 1ms, 1ms}});
  base::unique_fd here(::open(folder.at("").c_str(), O_RDONLY | O_DIRECTORY));
  remote_entry file{.path = "f", .size_bytes = 3 * mib, .identity = "1"};
  const auto done = work.run(get_file(work, server.at("f"), file, here.get(), "f", options));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::broken_stream) << done.error().message();
  EXPECT_EQ(server.connections(), 4);  // the first and three more
  EXPECT_FALSE(folder.has("f"));
}

TEST_F(Get, IdenticalFileIsLeftAlone) {
  server.set("f", content_of(3 * mib));
  folder.write("f", content_of(3 * mib));
  const auto done = get("f", folder.at("f"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->files_unchanged, 1U);
  EXPECT_EQ(done->files, 0U);
  EXPECT_EQ(server.blocks_sent(), 0);
  EXPECT_TRUE(watcher.saw(phase::comparing));
}

TEST_F(Get, DifferentFileIsNotOverwritten) {
  for (const auto& mine : {content_of(3 * mib, 2), content_of(100)}) {
    server.set("f", content_of(3 * mib));
    folder.write("f", mine);
    const auto done = get("f", folder.at("f"));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::exists);
    EXPECT_EQ(folder.read("f"), mine);
    EXPECT_EQ(server.blocks_sent(), 0);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
  }
}

TEST_F(Get, OverwriteReplaces) {
  server.set("f", content_of(3 * mib));
  folder.write("f", "mine");
  options.overwrite = true;
  const auto done = get("f", folder.at("f"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("f"), content_of(3 * mib));
}

TEST_F(Get, ResumeFetchesOnlyWhatDiffers) {
  const auto content = content_of(6 * mib + 5);
  server.set("f", content);
  auto left = content.substr(0, 4 * mib);  // blocks 0 to 3, 4 to 6 are missing
  left[2 * mib + 7] = static_cast<char>(left[2 * mib + 7] ^ 1);  // and 2 is wrong
  folder.write(partial_name("f"), left);
  const auto done = get("f", folder.at("f"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("f"), content);
  EXPECT_EQ(server.blocks_sent(), 4);
  EXPECT_EQ(done->bytes_moved, 3 * mib + 5);
  EXPECT_TRUE(watcher.saw(phase::comparing));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST_F(Get, InterruptedCallLeavesWhatTheNextOneUses) {
  const auto content = content_of(8 * mib);
  server.set("f", content);
  server.inject([](faults& f) { f.blocks_before_silence = 5; });
  std::stop_source stop;
  options.stop = stop.get_token();
  std::thread stopper([&] {
    while (!folder.has(partial_name("f"))) std::this_thread::yield();
    const base::unique_fd partial(::open(folder.at(partial_name("f")).c_str(), O_RDONLY));
    for (std::uint64_t block = 0; block < 5; ++block) {
      while (!has_data(partial.get(), block * mib, mib)) std::this_thread::yield();
    }
    stop.request_stop();
  });
  const auto first = get("f", folder.at("f"));
  stopper.join();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, errc::cancelled);
  EXPECT_FALSE(folder.has("f"));
  server.inject([](faults& f) { f.blocks_before_silence = -1; });
  options.stop = {};
  const auto second = get("f", folder.at("f"));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(folder.read("f"), content);
  EXPECT_EQ(second->bytes_moved, 3 * mib);
}

TEST_F(Get, PartialOfAnotherProcessIsBusy) {
  server.set("f", content_of(2 * mib));
  folder.write(partial_name("f"), "");
  const base::unique_fd other(::open(folder.at(partial_name("f")).c_str(), O_RDWR));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto done = get("f", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::busy);
}

TEST_F(Get, PartialThatIsALinkIsNotFollowed) {
  server.set("f", content_of(2 * mib));
  folder.write("victim", "precious");
  std::filesystem::create_symlink("victim", folder.at(partial_name("f")));
  const auto done = get("f", folder.at("f"));
  EXPECT_FALSE(done);
  EXPECT_EQ(folder.read("victim"), "precious");
}

TEST_F(Get, PartialWithASecondNameIsRefused) {
  server.set("f", content_of(2 * mib));
  folder.write("victim", "precious");
  std::filesystem::create_hard_link(folder.at("victim"), folder.at(partial_name("f")));
  const auto done = get("f", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::not_allowed);
  EXPECT_EQ(folder.read("victim"), "precious");
}

TEST_F(Get, SilentServerTimesOut) {
  server.inject([](faults& f) { f.silent = true; });
  options.timeout = 200ms;
  const auto before = std::chrono::steady_clock::now();
  const auto done = get("f", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::timed_out) << done.error().message();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 200ms);
}

TEST_F(Get, StopEndsAWaitAtOnce) {
  server.inject([](faults& f) { f.silent = true; });
  std::stop_source stop;
  options.stop = stop.get_token();
  watcher.on_call = [&](const progress&) { stop.request_stop(); };
  const auto before = std::chrono::steady_clock::now();
  const auto done = get("f", folder.at("f"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::cancelled) << done.error().message();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);  // the timeout is 30 s
}

TEST_F(Get, FileForAFolderAndTheReverse) {
  server.set("f", "x");
  std::filesystem::create_directory(folder.at("f"));
  const auto onto_folder = client::get({server.at("f")}, folder.at(""), options, watcher);
  ASSERT_FALSE(onto_folder);
  EXPECT_EQ(onto_folder.error().code, errc::not_a_file);
}

TEST_F(Get, SeveralSourcesNeedAFolder) {
  server.set("a", "1");
  server.set("b", "2");
  const auto wrong =
      client::get({server.at("a"), server.at("b")}, folder.at("x"), options, watcher);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, errc::invalid_argument);
  const auto right =
      client::get({server.at("a"), server.at("b")}, folder.at("new/"), options, watcher);
  ASSERT_TRUE(right) << right.error().message();
  EXPECT_EQ(folder.read("new/a") + folder.read("new/b"), "12");
}

class Output : public Get {
 protected:
  // Runs a get into a file descriptor.
  result<file_outcome> get_out(const std::string& path, std::size_t size) {
    base::unique_fd out(::open(folder.at("out").c_str(), O_RDWR | O_CREAT, 0600));
    session work(options, watcher);
    work.set_retries({.pauses = {1ms, 1ms, 1ms}});
    remote_entry file{.path = path, .size_bytes = size, .identity = "1"};
    return work.run(get_to_output(work, server.at(path), file, out.get()));
  }
};

TEST_F(Output, ComesInOrder) {
  const auto content = content_of(30 * mib + 9);
  server.set("f", content);
  const auto done = get_out("f", content.size());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("out"), content);
}

TEST_F(Output, GoesOnAfterALossAndDamage) {
  const auto content = content_of(12 * mib);
  server.set("f", content);
  server.inject([](faults& f) {
    f.losses = 2;
    f.blocks_before_loss = 3;
    f.damaged_blocks = 1;
  });
  const auto done = get_out("f", content.size());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(folder.read("out"), content);
  EXPECT_EQ(done->blocks_repeated, 1U);
}

TEST_F(Output, DamagedThreeTimesIsTheEndAndNothingWrongComesOut) {
  const auto content = content_of(4 * mib);
  server.set("f", content);
  server.inject([](faults& f) { f.damaged_blocks = 1'000; });
  const auto done = get_out("f", content.size());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::bad_digest);
  EXPECT_EQ(folder.read("out"), "");
}

}  // namespace
}  // namespace sluice::client
