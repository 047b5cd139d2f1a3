#include "sluice/listener.h"

#include <boost/asio/executor_work_guard.hpp>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "frame/stream_test.h"

namespace sluice {
namespace {

using testing::framed;
using testing::plain_peer;

// As the README has it, word for word.
awaitable<void> echo(sluice::frame_stream peer) {  // owns its socket
  for (;;) {
    auto frame = co_await peer.read();
    if (!frame) co_return;  // end or error; the listener logs it
    auto sent = co_await peer.write(*frame);
    if (!sent) co_return;
  }
}

awaitable<void> reply_once_and_leave(frame_stream peer) {
  auto got = co_await peer.read();
  if (got) (void)co_await peer.write(*got);
}

awaitable<void> greet_on_plain_socket(tcp_socket socket) {
  (void)co_await asio::async_write(socket, asio::buffer("hello", 5), as_tuple);
}

awaitable<void> throw_at_once(frame_stream) {
  throw std::runtime_error("of purpose");
  co_return;
}

class listener_test : public testing::stream_test {
 protected:
  listener_options logging() {
    listener_options options;
    options.hooks.on_end = [this](const session_end& end) { ends.push_back(end); };
    options.hooks.on_open = [this](const tcp_endpoint& peer) { opened.push_back(peer); };
    options.hooks.on_trouble = [this](const error& why) { troubles.push_back(why); };
    return options;
  }
  // Has `peer` ask, and the server's side run until the answer is there.
  std::string ask(const plain_peer& peer, std::string_view question) {
    peer.send(framed(question));
    pollfd readable{peer.handle(), POLLIN, 0};
    run_until([&] { return poll(&readable, 1, 0) == 1; });
    return peer.receive(4 + question.size());
  }
  static plain_peer call(const listener& server) {
    return plain_peer::to(server.local_endpoint().port());
  }
  static awaitable<bool> drained(listener& server) {
    co_await server.drained();
    co_return true;
  }

  std::vector<session_end> ends;
  std::vector<tcp_endpoint> opened;
  std::vector<error> troubles;
};

TEST_F(listener_test, ServesManyClientsAtTheSameTime) {
  sluice::listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve(echo);
  std::vector<plain_peer> peers;
  for (int i = 0; i < 20; ++i) peers.push_back(call(server));
  for (int round = 0; round < 2; ++round)
    for (const auto& peer : peers) EXPECT_EQ(ask(peer, "你好"), framed("你好"));
  EXPECT_EQ(server.connections(), 20U);
  EXPECT_EQ(opened.size(), 20U);
}

TEST_F(listener_test, GoesOnAfterAnyKindOfLeave) {
  listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve(echo);
  {
    auto clean = call(server);
    EXPECT_EQ(ask(clean, "a"), framed("a"));
  }
  run_until([&] { return ends.size() == 1; });
  EXPECT_FALSE(ends[0].trouble);

  auto reset = call(server);
  EXPECT_EQ(ask(reset, "b"), framed("b"));
  reset.reset();
  run_until([&] { return ends.size() == 2; });
  ASSERT_TRUE(ends[1].trouble);
  EXPECT_EQ(ends[1].trouble->code, errc::broken_stream);
  EXPECT_EQ(ends[1].peer, opened[1]);

  auto halfway = call(server);
  EXPECT_EQ(ask(halfway, "c"), framed("c"));
  halfway.send(framed("cut off").substr(0, 6));
  halfway.leave();
  run_until([&] { return ends.size() == 3; });
  EXPECT_EQ(ends[2].trouble.value().code, errc::broken_stream);

  EXPECT_EQ(ask(call(server), "d"), framed("d"));
}

TEST_F(listener_test, ALastWriteIsNotLost) {
  auto options = logging();
  options.stream.linger_timeout = std::chrono::milliseconds(50);
  listener server{io, {"127.0.0.1", 0}, options};
  server.serve(reply_once_and_leave);
  const auto peer = call(server);
  const std::string large(1'000'000, 'l');
  std::string got;
  std::thread client([&] {
    peer.send(framed(large));
    got = peer.receive(2'000'000);
  });
  run_until([&] { return ends.size() == 1; });  // though the client does not leave
  client.join();
  EXPECT_TRUE(got == framed(large));
  EXPECT_FALSE(ends[0].trouble);
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(listener_test, WhatASessionThrowsEndsThatSessionAlone) {
  listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve(throw_at_once);
  {
    const auto peer = call(server);
    run_until([&] { return !opened.empty(); });
  }
  run_until([&] { return ends.size() == 1; });
  EXPECT_EQ(ends[0].trouble.value().code, errc::internal);
  EXPECT_NE(ends[0].trouble->context.find("of purpose"), std::string::npos);
  EXPECT_NE(ends[0].trouble->context.find("127.0.0.1:"), std::string::npos);
  const auto next = call(server);
  run_until([&] { return opened.size() == 2; });
}

TEST_F(listener_test, AThrowBeforeTheFirstSuspensionToo) {
  listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve([](tcp_socket) -> awaitable<void> { throw std::runtime_error("at the door"); });
  const auto peer = call(server);
  run_until([&] { return ends.size() == 1; });
  EXPECT_NE(ends[0].trouble.value().message().find("at the door"), std::string::npos);
  EXPECT_TRUE(peer.at_end());
}

TEST_F(listener_test, GivesPlainSocketsToThoseWhoWantThem) {
  listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve(greet_on_plain_socket);
  const auto peer = call(server);
  run_until([&] { return ends.size() == 1; });
  EXPECT_EQ(peer.receive(10), "hello");
  EXPECT_TRUE(peer.at_end());
}

TEST_F(listener_test, RestartsAtOnceOnThePortThatItLeft) {
  std::uint16_t port = 0;
  for (int start = 0; start < 3; ++start) {
    listener server{io, {"127.0.0.1", port}, logging()};
    port = server.local_endpoint().port();
    server.serve(reply_once_and_leave);
    auto peer = call(server);
    EXPECT_EQ(ask(peer, "x"), framed("x"));
    EXPECT_TRUE(peer.at_end());  // the server ends first: its side goes to TIME_WAIT
    peer.leave();
    run_until([&] { return server.connections() == 0; });
  }
}

TEST_F(listener_test, TellsWhatItCannotListenOn) {
  const auto first = listener::open(io, {"127.0.0.1", 0});
  ASSERT_TRUE(first);
  const auto port = first->local_endpoint().port();
  const auto second = listener::open(io, {"127.0.0.1", port});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::cannot_listen);
  EXPECT_EQ(second.error().context,
            "listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
  EXPECT_THROW((listener{io, {"127.0.0.1", port}}), std::runtime_error);
  EXPECT_EQ(listener::open(io, {"192.0.2.1", 0}).error().code, errc::cannot_listen);
  EXPECT_EQ(listener::open(io, {std::string(300, 'x'), 0}).error().code, errc::cannot_listen);
}

TEST_F(listener_test, RefusesSettingsThatCannotWork) {
  listener_options options;
  options.backlog = 0;
  EXPECT_EQ(listener::open(io, {"127.0.0.1", 0}, options).error().code, errc::invalid_argument);
  options = {};
  options.max_connections = 0;
  EXPECT_EQ(listener::open(io, {"127.0.0.1", 0}, options).error().code, errc::invalid_argument);
}

TEST_F(listener_test, ListensOnNamesAndOnEveryInterface) {
  EXPECT_TRUE(listener::open(io, {"localhost", 0}));
  auto every = listener::open(io, {"", 0}, logging());
  ASSERT_TRUE(every);
  every->serve(echo);
  EXPECT_EQ(ask(call(*every), "over IPv4"), framed("over IPv4"));
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_TRUE(to_string(opened[0]).starts_with("127.0.0.1:")) << to_string(opened[0]);

  auto six = listener::open(io, {"::1", 0});
  if (!six) GTEST_SKIP() << "no IPv6 here: " << six.error().message();
  EXPECT_TRUE(to_string(six->local_endpoint()).starts_with("[::1]:"));
}

TEST_F(listener_test, StopFreesThePortAndLetsSessionsEnd) {
  listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve(echo);
  auto peer = call(server);
  EXPECT_EQ(ask(peer, "before"), framed("before"));
  server.stop();
  EXPECT_TRUE(listener::open(io, {"127.0.0.1", server.local_endpoint().port()}));
  const auto gate = start(drained(server));
  EXPECT_EQ(ask(peer, "after"), framed("after"));
  EXPECT_FALSE(gate->done());
  peer.leave();
  EXPECT_TRUE(finish(gate));
  EXPECT_EQ(ends.size(), 1U);
}

TEST_F(listener_test, CancelEndsTheSessions) {
  listener server{io, {"127.0.0.1", 0}, logging()};
  server.serve(echo);
  const auto one = call(server);
  const auto two = call(server);
  EXPECT_EQ(ask(one, "1"), framed("1"));
  EXPECT_EQ(ask(two, "2"), framed("2"));
  server.cancel();
  EXPECT_TRUE(run(drained(server)));
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_FALSE(ends[0].trouble);
  settle();
  EXPECT_TRUE(one.at_end() || one.was_reset());
}

TEST_F(listener_test, CancelEndsASessionThatIsWindingDown) {
  auto options = logging();
  options.stream.linger_timeout = std::chrono::hours(1);
  listener slow{io, {"127.0.0.1", 0}, options};
  slow.serve(reply_once_and_leave);
  const auto peer = call(slow);
  EXPECT_EQ(ask(peer, "x"), framed("x"));
  EXPECT_TRUE(peer.at_end());
  settle();
  EXPECT_EQ(slow.connections(), 1U);
  slow.cancel();
  EXPECT_TRUE(run(drained(slow)));
}

TEST_F(listener_test, ADestroyedListenerLetsItsSessionsEnd) {
  std::optional<listener> server;
  server.emplace(io, host_port{"127.0.0.1", 0}, logging());
  server->serve(echo);
  const auto peer = call(*server);
  EXPECT_EQ(ask(peer, "before"), framed("before"));
  server.reset();
  EXPECT_EQ(ask(peer, "after"), framed("after"));
}

// Which thread a session runs on.
std::set<std::thread::id> seen;
std::mutex seen_lock;
awaitable<void> note_thread(frame_stream peer) {
  const auto here = std::this_thread::get_id();
  for (;;) {
    auto got = co_await peer.read();
    EXPECT_EQ(std::this_thread::get_id(), here);
    if (!got) co_return;
    {
      const std::lock_guard hold(seen_lock);
      seen.insert(here);
    }
    (void)co_await peer.write(*got);
  }
}

TEST_F(listener_test, SpreadsConnectionsOverThreads) {
  asio::io_context workers[3];
  auto options = logging();
  std::vector<std::thread> threads;
  std::vector<asio::executor_work_guard<executor>> stays;
  for (auto& worker : workers) {
    options.contexts.push_back(&worker);
    stays.emplace_back(worker.get_executor());
    threads.emplace_back([&worker] { worker.run(); });
  }
  {
    listener server{io, {"127.0.0.1", 0}, options};
    server.serve(note_thread);
    std::vector<plain_peer> peers;
    for (int i = 0; i < 6; ++i) {
      peers.push_back(call(server));
      EXPECT_EQ(ask(peers.back(), "hi"), framed("hi"));
    }
    EXPECT_EQ(seen.size(), 3U);
    EXPECT_FALSE(seen.contains(std::this_thread::get_id()));
    server.cancel();
    EXPECT_TRUE(run(drained(server)));
    EXPECT_EQ(ends.size(), 6U);
  }
  for (auto& guard : stays) guard.reset();
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace sluice
