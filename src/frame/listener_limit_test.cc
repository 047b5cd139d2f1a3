#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <vector>

#include "frame/stream_test.h"
#include "sluice/error.h"
#include "sluice/listener.h"

namespace sluice {
namespace {

using testing::framed;
using testing::plain_peer;

awaitable<void> echo(frame_stream peer) {
  for (;;) {
    auto got = co_await peer.read();
    if (!got) co_return;
    auto sent = co_await peer.write(*got);
    if (!sent) co_return;
  }
}

// Limits the process to the descriptors that it has; the limit goes with the object.
class no_more_descriptors {
 public:
  no_more_descriptors() {
    (void)fail_errno(EMFILE, "");  // clang's sanitizer checks a type once, and needs a pipe for it
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);  // the lowest that is free
    close(next);
    const rlimit lowered{static_cast<rlim_t>(next), before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  }
  ~no_more_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;

 private:
  rlimit before_{};
};

class listener_limit : public testing::stream_test {
 protected:
  std::string ask(const plain_peer& peer, std::string_view question) {
    peer.send(framed(question));
    pollfd readable{peer.handle(), POLLIN, 0};
    run_until([&] { return poll(&readable, 1, 0) == 1; });
    return peer.receive(4 + question.size());
  }
  static plain_peer call(const listener& server) {
    return plain_peer::to(server.local_endpoint().port());
  }
};

TEST_F(listener_limit, TheClientBeyondTheLimitIsClosedAtOnce) {
  listener_options options;
  options.max_connections = 3;
  listener server{io, {"127.0.0.1", 0}, options};
  server.serve(echo);
  std::vector<plain_peer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(call(server));
    EXPECT_EQ(ask(peers.back(), "in"), framed("in"));
  }
  const auto fourth = call(server);
  settle();
  EXPECT_TRUE(fourth.at_end());
  EXPECT_EQ(server.connections(), 3U);
  for (const auto& peer : peers) EXPECT_EQ(ask(peer, "still"), framed("still"));

  peers.back().leave();
  run_until([&] { return server.connections() == 2; });
  EXPECT_EQ(ask(call(server), "a place"), framed("a place"));
}

TEST_F(listener_limit, ARefusalCanBeWordsOfTheProgram) {
  listener_options options;
  options.max_connections = 1;
  options.hooks.on_refuse = [](tcp_socket refused) {
    boost::system::error_code ignored;
    refused.write_some(asio::buffer("full house", 10), ignored);
  };
  listener server{io, {"127.0.0.1", 0}, options};
  server.serve(echo);
  const auto first = call(server);
  EXPECT_EQ(ask(first, "in"), framed("in"));
  const auto second = call(server);
  settle();
  EXPECT_EQ(second.receive(100), "full house");
}

// The backlog of a listening socket, as the system has it: tcpi_sacked, see tcp_get_info().
int backlog_of(std::uint16_t port) {
  int backlog = -1;
  DIR* const open = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(open)) {
    const int socket = std::atoi(entry->d_name);
    int listening = 0;
    socklen_t size = sizeof listening;
    sockaddr_in address{};
    socklen_t address_size = sizeof address;
    tcp_info info{};
    socklen_t info_size = sizeof info;
    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0 &&
        getsockname(socket, reinterpret_cast<sockaddr*>(&address), &address_size) == 0 &&
        ntohs(address.sin_port) == port &&
        getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0)
      backlog = static_cast<int>(info.tcpi_sacked);
  }
  closedir(open);
  return backlog;
}

TEST_F(listener_limit, TheBacklogIsASetting) {
  for (const int backlog : {1, 7, 100}) {
    listener_options options;
    options.backlog = backlog;
    const listener server{io, {"127.0.0.1", 0}, options};
    EXPECT_EQ(backlog_of(server.local_endpoint().port()), backlog);
  }
}

TEST_F(listener_limit, GoesOnWhenDescriptorsReturn) {
  std::vector<error> troubles;
  listener_options options;
  options.retry_delay = std::chrono::milliseconds(1);
  options.hooks.on_trouble = [&](const error& why) { troubles.push_back(why); };
  listener server{io, {"127.0.0.1", 0}, options};
  server.serve(echo);
  auto before = call(server);
  EXPECT_EQ(ask(before, "before"), framed("before"));
  const auto waiting = call(server);
  {
    const no_more_descriptors limit;
    run_until([&] { return !troubles.empty(); });
    EXPECT_EQ(troubles[0].code, errc::busy) << troubles[0].message();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(before, "meanwhile"), framed("meanwhile"));
    EXPECT_EQ(server.connections(), 1U);
  }
  EXPECT_EQ(ask(waiting, "after"), framed("after"));
  EXPECT_EQ(troubles.size(), 1U) << "reported once, however often it was tried";

  const auto again = call(server);
  const no_more_descriptors limit;
  run_until([&] { return troubles.size() == 2; });
}

TEST_F(listener_limit, TheEndOfASessionEndsTheWaitForDescriptors) {
  std::vector<error> troubles;
  listener_options options;
  options.retry_delay = std::chrono::hours(1);
  options.hooks.on_trouble = [&](const error& why) { troubles.push_back(why); };
  listener server{io, {"127.0.0.1", 0}, options};
  server.serve(echo);
  auto before = call(server);
  EXPECT_EQ(ask(before, "before"), framed("before"));
  const auto waiting = call(server);
  const no_more_descriptors limit;
  run_until([&] { return !troubles.empty(); });
  before.end();  // the session closes its descriptor, and this test keeps its own
  EXPECT_EQ(ask(waiting, "in its place"), framed("in its place"));
}

TEST_F(listener_limit, StopEndsTheWaitForDescriptors) {
  bool troubled = false;
  listener_options options;
  options.retry_delay = std::chrono::hours(1);
  options.hooks.on_trouble = [&](const error&) { troubled = true; };
  listener server{io, {"127.0.0.1", 0}, options};
  server.serve(echo);
  const auto waiting = call(server);
  {
    const no_more_descriptors limit;
    run_until([&] { return troubled; });
  }
  server.stop();
  io.restart();
  io.run_for(testing::patience);
  EXPECT_TRUE(io.stopped()) << "nothing is left to do";
}

}  // namespace
}  // namespace sluice
