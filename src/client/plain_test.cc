// Both ends of the plain wire in one process. tests/cli/ holds the program against plain sockets.
#include "client/plain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>

#include "client/plain_file.h"

namespace sluice::client {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class silent : public observer {
 public:
  void on_progress(const progress& snapshot) override { last = snapshot; }
  void on_notice(std::string_view text) override { notices += text; }
  progress last;
  std::string notices;
};

class plain : public testing::Test {
 protected:
  plain() {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (fs::temp_directory_path() / "sluice-plain-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~plain() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string make(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  // Starts a receiver that listens, and tells where.
  std::future<result<std::uint64_t>> receiver(const std::string& target, host_port& where,
                                              plain_receive_options options = {}) {
    auto bound = std::make_shared<std::promise<std::string>>();
    options.listen = true;
    options.where = {"127.0.0.1", 0};
    options.on_listening = [bound](const std::string& address) { bound->set_value(address); };
    auto running = std::async(std::launch::async, [this, target, options] {
      return receive_plain(target, options, receiver_watcher);
    });
    where = *parse_host_port(bound->get_future().get());
    return running;
  }

  fs::path folder_;
  silent receiver_watcher;
};

TEST_F(plain, carries_content_of_every_size_around_a_piece) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (const std::size_t size :
       {0UL, 1UL, 3UL, 1'048'575UL, 1'048'576UL, 1'048'577UL, 5'000'000UL}) {
    std::string content(size, '\0');
    for (char& byte : content) byte = static_cast<char>(random());
    plain_options options;
    auto received = receiver(path("out"), options.where);
    silent watcher;
    const auto sent = send_plain(make("in", content), options, watcher);
    ASSERT_TRUE(sent) << sent.error().message();
    const auto got = received.get();
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(*sent, size);
    EXPECT_EQ(*got, size);
    EXPECT_TRUE(read(path("out")) == content) << size;
    fs::remove(path("out"));
  }
}

TEST_F(plain, a_length_at_the_limit_is_taken_and_one_over_it_refused) {
  for (const std::uint64_t limit : {10UL, 9UL}) {
    plain_options options;
    plain_receive_options receive;
    receive.max_bytes = limit;
    auto received = receiver(path("out"), options.where, receive);
    silent watcher;
    (void)send_plain(make("in", "0123456789"), options, watcher);
    const auto got = received.get();
    EXPECT_EQ(got.has_value(), limit == 10);
    EXPECT_EQ(fs::exists(path("out")), limit == 10);
    if (!got) {
      EXPECT_EQ(got.error().code, errc::frame_too_large);
      EXPECT_THAT(got.error().context, HasSubstr("announced 10 bytes, at most 9"));
    }
    fs::remove(path("out"));
  }
}

// At the limit the peer is missing, which is seen only when it is called.
TEST_F(plain, a_file_over_the_limit_is_refused_before_connecting) {
  const std::string file = make("big", "");
  plain_options nobody;
  nobody.where = {"127.0.0.1", 1};
  silent watcher;
  fs::resize_file(file, plain_bytes_max);
  EXPECT_EQ(send_plain(file, nobody, watcher).error().code, errc::cannot_connect);
  fs::resize_file(file, plain_bytes_max + 1);
  const auto refused = send_plain(file, nobody, watcher);
  EXPECT_EQ(refused.error().code, errc::frame_too_large);
  EXPECT_THAT(refused.error().context, HasSubstr("2147483648"));
}

TEST_F(plain, only_files_are_sent) {
  silent watcher;
  EXPECT_EQ(send_plain(path("none"), {}, watcher).error().code, errc::not_found);
  EXPECT_EQ(send_plain(folder_.string(), {}, watcher).error().code, errc::not_a_file);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(send_plain(path("pipe"), {}, watcher).error().code, errc::not_a_file);
}

TEST_F(plain, a_stop_ends_a_wait_for_a_connection_and_leaves_nothing) {
  std::stop_source stop;
  plain_receive_options options;
  options.stop = stop.get_token();
  host_port where;
  auto received = receiver(path("out"), where, options);
  stop.request_stop();
  EXPECT_EQ(received.get().error().code, errc::cancelled);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(plain, a_stop_asked_for_before_the_call_counts) {
  std::stop_source stop;
  stop.request_stop();
  plain_options options;
  options.stop = stop.get_token();
  options.where = {"127.0.0.1", 1};
  silent watcher;
  EXPECT_EQ(send_plain(make("in", "x"), options, watcher).error().code, errc::cancelled);
}

TEST_F(plain, a_taken_name_is_refused_before_listening_unless_overwrite) {
  const std::string target = make("out", "old");
  plain_receive_options options;
  options.listen = true;
  options.on_listening = [](const std::string&) { FAIL() << "it listened"; };
  EXPECT_EQ(receive_plain(target, options, receiver_watcher).error().code, errc::exists);

  plain_options send;
  plain_receive_options overwriting;
  overwriting.overwrite = true;
  auto received = receiver(target, send.where, overwriting);
  silent watcher;
  EXPECT_TRUE(send_plain(make("in", "new"), send, watcher));
  EXPECT_TRUE(received.get());
  EXPECT_EQ(read(target), "new");
}

TEST_F(plain, a_name_that_is_taken_meanwhile_is_not_overwritten) {
  auto file = plain_file::prepare(path("out"), false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->begin());
  ASSERT_TRUE(file->write(std::as_bytes(std::span("mine", 4))));
  EXPECT_EQ(entries(), 1u) << "only the hidden file";
  EXPECT_FALSE(fs::exists(path("out")));
  make("out", "theirs");
  EXPECT_EQ(file->publish().error().code, errc::exists);
  {
    const auto gone = std::move(*file);
  }
  EXPECT_EQ(read(path("out")), "theirs");
  EXPECT_EQ(entries(), 1u) << "the hidden file is gone";
}

TEST_F(plain, a_target_that_cannot_be_written_is_named) {
  const auto code = [](const std::string& target, bool overwrite) {
    const auto file = plain_file::prepare(target, overwrite);
    return file ? errc::internal : file.error().code;
  };
  EXPECT_EQ(code(folder_.string(), true), errc::not_a_file);
  EXPECT_EQ(code(folder_.string() + "/", true), errc::not_a_file);
  EXPECT_EQ(code(path("none/out"), false), errc::not_found);
  EXPECT_EQ(code(make("file", "") + "/out", false), errc::not_a_file);
}

}  // namespace
}  // namespace sluice::client
