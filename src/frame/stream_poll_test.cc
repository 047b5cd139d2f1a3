#include <sys/resource.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <vector>

#include "frame/stream_test.h"

namespace sluice {
namespace {

using testing::framed;
using testing::text_of;

class stream_poll : public testing::stream_test {
 protected:
  // A stream, its peer, and a read of it that may be under way.
  struct end_to_end {
    testing::plain_peer peer;
    frame_stream stream;
    std::shared_ptr<testing::outcome<result<std::string>>> reading = nullptr;
  };
  end_to_end make() {
    auto [peer, socket] = connected();
    return {std::move(peer), frame_stream(std::move(socket))};
  }
  end_to_end make_waiting() {
    auto made = make();
    made.reading = start(read_text(made.stream));
    settle();
    return made;
  }
};

TEST_F(stream_poll, AnEndThatComesWithTheLastBytesIsSeen) {
  auto one = make_waiting();
  one.peer.send(framed("last"));
  one.peer.end();
  EXPECT_EQ(finish(one.reading).value(), "last");
  EXPECT_EQ(read_error(one.stream), errc::end_of_stream);
}

TEST_F(stream_poll, AResetThatComesWithTheLastBytesIsSeen) {
  auto one = make_waiting();
  one.peer.send(framed("lost or not"));
  one.peer.reset();
  (void)finish(one.reading);
  EXPECT_EQ(read_error(one.stream), errc::broken_stream);
}

TEST_F(stream_poll, WhatComesWhileNobodyReadsIsReadLater) {
  auto other = make_waiting();  // so that events are told
  auto one = make();
  one.peer.send(framed("early"));
  settle();
  EXPECT_EQ(read_now(one.stream), "early");
  one.peer.end();
  settle();
  EXPECT_EQ(read_error(one.stream), errc::end_of_stream);
}

TEST_F(stream_poll, BytesBehindUrgentDataAreRead) {
  auto one = make_waiting();
  one.peer.send(framed("before"));
  ASSERT_EQ(::send(one.peer.handle(), "!", 1, MSG_OOB), 1);
  one.peer.send(framed("after"));
  EXPECT_EQ(finish(one.reading).value(), "before");
  EXPECT_EQ(read_now(one.stream), "after");
}

TEST_F(stream_poll, AReaderThatWaitsWhileTheQueueIsBlockedKeepsNobodyFromWriting) {
  auto [peer, socket] = connected(4096, 4096);
  frame_stream stream(std::move(socket));
  const std::string large(900'000, 'd');
  ASSERT_TRUE(run(write_text(stream, large)));
  peer.send(framed("one") + framed("two"));
  settle();  // an event that nobody waits for: the read below asks for it once more
  EXPECT_EQ(read_now(stream), "one");
  EXPECT_EQ(read_now(stream), "two");
  const auto reading = start(read_text(stream));
  std::string got;
  std::thread reader([&, &from = peer] {
    got = from.receive(large.size() + 4);
    from.end();
  });
  EXPECT_EQ(finish(reading).error().code, errc::end_of_stream);
  reader.join();
  EXPECT_TRUE(got == framed(large));
}

TEST_F(stream_poll, ManyReadyStreamsAreAllServedAndLeaveOthersTheirTurn) {
  constexpr std::size_t many = 200;  // over what one turn takes
  std::vector<end_to_end> all;
  std::vector<std::size_t> served;
  std::size_t served_before_other_work = many;
  struct reader {
    static awaitable<void> run(frame_stream& stream, std::size_t id,
                               std::vector<std::size_t>& served, std::size_t& before) {
      auto got = co_await stream.read();
      EXPECT_EQ(text_of(got), std::to_string(id));
      if (served.empty())
        asio::post(stream.get_executor(), [&served, &before] { before = served.size(); });
      served.push_back(id);
    }
  };
  for (std::size_t i = 0; i < many; ++i) all.push_back(make());
  for (std::size_t i = 0; i < many; ++i)
    asio::co_spawn(io, reader::run(all[i].stream, i, served, served_before_other_work),
                   [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
  settle();
  for (std::size_t i = 0; i < many; ++i) all[i].peer.send(framed(std::to_string(i)));
  run_until([&] { return served.size() == many; });
  EXPECT_LT(served_before_other_work, many);
}

TEST_F(stream_poll, AStreamThatIsNeverEmptyLeavesOthersTheirTurn) {
  auto busy = make();
  auto quiet = make_waiting();
  static constexpr std::size_t frame_bytes = std::size_t{64} << 10;
  static constexpr int frames = 1000;
  struct reader {  // has the quiet one's peer ask in the middle
    static awaitable<int> run(end_to_end& from, end_to_end& other) {
      int since = -1;
      for (int read = 0; read < frames; ++read) {
        auto got = co_await from.stream.read();
        EXPECT_EQ(got->size(), frame_bytes);
        if (read == frames / 2) other.peer.send(framed("my turn"));
        if (read >= frames / 2 && !other.reading->done()) ++since;
      }
      co_return since;
    }
  };
  const auto reading = start(reader::run(busy, quiet));
  std::thread sender([&] {
    const std::string one = framed(std::string(frame_bytes, 'b'));
    for (int sent = 0; sent < frames; ++sent) busy.peer.send(one);
  });
  EXPECT_LT(finish(reading), 12) << "over two buffers of frames";
  EXPECT_EQ(finish(quiet.reading).value(), "my turn");
  sender.join();
}

TEST_F(stream_poll, ACancelledReaderLeavesTheOthersWaiting) {
  auto one = make();
  auto other = make_waiting();
  asio::cancellation_signal signal;
  std::optional<result<std::string>> got;
  asio::co_spawn(io, read_text(one.stream),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&got](std::exception_ptr thrown, result<std::string> value) {
                       EXPECT_FALSE(thrown);
                       got = std::move(value);
                     }));
  settle();
  one.peer.send(framed("too late"));
  asio::post(io, [&] {
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_FALSE(got) << "told from within emit()";
  });
  run_until([&] { return got.has_value(); });
  EXPECT_EQ(got->error().code, errc::cancelled);
  other.peer.send(framed("still there"));
  EXPECT_EQ(finish(other.reading).value(), "still there");
}

TEST_F(stream_poll, AStreamMayGoBeforeItsEventIsTold) {
  auto one = make();
  std::vector<end_to_end> others;
  for (int i = 0; i < 3; ++i) others.push_back(make());
  struct reader {
    static awaitable<bool> run(frame_stream& stream, std::vector<end_to_end>& others) {
      auto got = co_await stream.read();
      for (auto& other : others) other.stream.abort();
      others.clear();
      co_return got.has_value();
    }
  };
  const auto reading = start(reader::run(one.stream, others));
  settle();
  one.peer.send(framed("x"));
  for (auto& other : others) other.peer.send(framed("x"));
  EXPECT_TRUE(finish(reading));
  settle();  // under the address sanitizer, this is the test
}

TEST_F(stream_poll, AHandlerThatThrowsTakesNoEventsAlong) {
  std::vector<end_to_end> all;
  for (int i = 0; i < 3; ++i) all.push_back(make());
  int served = 0;
  for (auto& one : all)
    asio::co_spawn(io, read_text(one.stream), [&](std::exception_ptr, result<std::string> got) {
      EXPECT_TRUE(got);
      ++served;
      throw std::runtime_error("of purpose");
    });
  settle();
  for (auto& one : all) one.peer.send(framed("x"));
  while (served != 3) EXPECT_ANY_THROW(run_until([] { return false; }));
  all[0].peer.send(framed("y"));
  EXPECT_EQ(read_now(all[0].stream), "y");
}

TEST_F(stream_poll, AnIoContextRunsWhileAReaderWaitsAndNoLonger) {
  auto one = make();
  io.restart();
  EXPECT_EQ(io.run(), 0U);
  one.reading = start(read_text(one.stream));
  settle();
  EXPECT_FALSE(io.stopped());
  one.stream.abort();
  io.restart();
  io.run_for(testing::patience);
  EXPECT_TRUE(io.stopped());
  EXPECT_EQ(finish(one.reading).error().code, errc::cancelled);
}

TEST_F(stream_poll, AnIoContextThatGoesTakesItsReadersAlongUnresumed) {
  struct witness {
    int& destroyed;
    ~witness() { ++destroyed; }
  };
  struct reader {
    static awaitable<void> run(frame_stream stream, std::shared_ptr<witness>, bool& resumed) {
      (void)co_await stream.read();
      resumed = true;
    }
  };
  int destroyed = 0;
  bool resumed = false;
  auto context = std::make_unique<asio::io_context>();
  tcp_acceptor acceptor(context->get_executor(), {asio::ip::address_v4::loopback(), 0});
  const auto peer = testing::plain_peer::to(acceptor.local_endpoint().port());
  auto seen = std::make_shared<witness>(destroyed);
  asio::co_spawn(*context,
                 reader::run(frame_stream(acceptor.accept(*context)), std::move(seen), resumed),
                 [](std::exception_ptr) {});
  context->poll();
  acceptor.close();
  context.reset();
  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(resumed);
  EXPECT_TRUE(peer.at_end());
}

// The first stream of an io_context needs a descriptor more.
TEST_F(stream_poll, WithoutADescriptorLeftAStreamSaysSoAndTheNextOneWorks) {
  auto [peer, socket] = connected();
  auto next = connected();
  rlimit usual{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  const rlimit none{0, usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  frame_stream refused(std::move(socket));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_EQ(read_error(refused), errc::busy);
  EXPECT_EQ(run(write_text(refused, "x")).error().code, errc::busy);
  EXPECT_TRUE(peer.at_end());

  frame_stream stream(std::move(next.second));
  next.first.send(framed("works"));
  EXPECT_EQ(read_now(stream), "works");
}

TEST_F(stream_poll, AStreamOfAClosedSocketIsCancelled) {
  frame_stream stream{tcp_socket(io)};
  EXPECT_EQ(read_error(stream), errc::cancelled);
  EXPECT_EQ(run(write_text(stream, "x")).error().code, errc::cancelled);
}

}  // namespace
}  // namespace sluice
