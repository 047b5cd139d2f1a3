#include <boost/asio/bind_cancellation_slot.hpp>

#include "frame/stream_test.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::framed;
using clock = std::chrono::steady_clock;

class stream_end : public testing::stream_test {
 protected:
  static awaitable<result<void>> shutdown(frame_stream& stream) { return stream.shutdown(); }
};

TEST_F(stream_end, ADroppedStreamStillSendsWhatItAccepted) {
  auto [peer, socket] = connected(4096, 4096);
  const std::string large(900'000, 'd');
  {
    frame_stream stream(std::move(socket));
    ASSERT_TRUE(run(write_text(stream, large)));
  }
  std::thread reader([&from = peer, &large] {
    EXPECT_TRUE(from.receive(1'000'000) == framed(large));
    EXPECT_TRUE(from.at_end());
    from.end();
  });
  io.restart();
  io.run();  // returns when the connection is wound down
  reader.join();
}

TEST_F(stream_end, CloseInThePeersFaceDoesNotCostItTheLastFrame) {
  auto [peer, socket] = connected();
  {
    frame_stream stream(std::move(socket));
    peer.send(framed("never read by us"));
    ASSERT_TRUE(run(write_text(stream, "goodbye")));
  }
  io.restart();
  io.poll();
  peer.send(framed("nor this"));
  EXPECT_EQ(peer.receive(100), framed("goodbye"));
  EXPECT_TRUE(peer.at_end()) << "reset?";
  peer.leave();
  io.run();
}

TEST_F(stream_end, APeerThatDoesNotLeaveIsNotWaitedForLong) {
  auto [peer, socket] = connected();
  stream_options options;
  options.linger_timeout = milliseconds(30);
  const auto begin = clock::now();
  {
    frame_stream stream(std::move(socket), options);
  }
  io.restart();
  io.run();
  EXPECT_GE(clock::now() - begin, milliseconds(30));
  EXPECT_TRUE(peer.at_end());
}

TEST_F(stream_end, CloseEndsAReadThatWaits) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  const auto reading = start(read_text(stream));
  settle();
  stream.close();
  EXPECT_EQ(finish(reading).error().code, errc::cancelled);
  EXPECT_EQ(read_error(stream), errc::cancelled);
  EXPECT_EQ(run(write_text(stream, "x")).error().code, errc::cancelled);
}

TEST_F(stream_end, CloseWhileTheQueueIsBlockedSendsItAll) {
  auto [peer, socket] = connected(4096, 4096);
  frame_stream stream(std::move(socket));
  const std::string large(900'000, 'd');
  ASSERT_TRUE(run(write_text(stream, large)));
  const auto reading = start(read_text(stream));
  settle();
  stream.close();
  EXPECT_EQ(finish(reading).error().code, errc::cancelled);
  std::thread reader([&from = peer, &large] {
    EXPECT_TRUE(from.receive(1'000'000) == framed(large));
    from.end();
  });
  io.restart();
  io.run();
  reader.join();
}

TEST_F(stream_end, AbortIsAReset) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  const auto reading = start(read_text(stream));
  settle();
  stream.abort();
  EXPECT_EQ(finish(reading).error().code, errc::cancelled);
  EXPECT_TRUE(peer.was_reset());
}

TEST_F(stream_end, ShutdownEndsOneSideOnly) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  ASSERT_TRUE(run(write_text(stream, "last")));
  ASSERT_TRUE(run(shutdown(stream)));
  EXPECT_EQ(peer.receive(8), framed("last"));
  EXPECT_TRUE(peer.at_end());
  peer.send(framed("still heard"));
  EXPECT_EQ(read_now(stream), "still heard");
  EXPECT_EQ(run(write_text(stream, "x")).error().code, errc::cancelled);
}

TEST_F(stream_end, WritingGoesOnAfterThePeerEndedItsSide) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  peer.send(framed("question"));
  peer.end();
  EXPECT_EQ(read_now(stream), "question");
  EXPECT_EQ(read_error(stream), errc::end_of_stream);
  ASSERT_TRUE(run(write_text(stream, "answer")));
  settle();
  EXPECT_EQ(peer.receive(10), framed("answer"));
}

TEST_F(stream_end, AReadCanBeCancelledFromOutside) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  asio::cancellation_signal signal;
  std::optional<result<std::string>> got;
  asio::co_spawn(io, read_text(stream),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&got](std::exception_ptr thrown, result<std::string> value) {
                       EXPECT_FALSE(thrown);
                       got = std::move(value);
                     }));
  settle();
  signal.emit(asio::cancellation_type::terminal);
  run_until([&] { return got.has_value(); });
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, errc::cancelled);
}

TEST_F(stream_end, AnIoContextMayGoWithStreamsInIt) {
  auto context = std::make_unique<asio::io_context>();
  tcp_acceptor acceptor(context->get_executor(), {asio::ip::address_v4::loopback(), 0});
  const auto peer = testing::plain_peer::to(acceptor.local_endpoint().port());
  struct keeper {
    static awaitable<void> run(frame_stream stream) {
      (void)co_await stream.write(std::string(3'000'000, 'z'));
      (void)co_await stream.read();
    }
  };
  asio::co_spawn(*context, keeper::run(frame_stream(acceptor.accept(*context))),
                 [](std::exception_ptr) {});
  context->poll();
  acceptor.close();
  context.reset();  // under the address sanitizer, this is the test
}

class stream_deadline : public testing::stream_test {};

TEST_F(stream_deadline, IdleCountsWhileReadWaits) {
  auto [peer, socket] = connected();
  stream_options options;
  options.idle_timeout = milliseconds(40);
  frame_stream stream(std::move(socket), options);
  peer.send(framed("first"));
  EXPECT_EQ(read_now(stream), "first");
  steady_timer busy(io.get_executor(), milliseconds(80));  // a session may take its time
  bool done = false;
  busy.async_wait([&done](const boost::system::error_code&) { done = true; });
  run_until([&done] { return done; });
  peer.send(framed("in time"));
  EXPECT_EQ(read_now(stream), "in time");
  const auto begin = clock::now();
  EXPECT_EQ(read_error(stream), errc::timed_out);
  EXPECT_GE(clock::now() - begin, milliseconds(40));
  EXPECT_EQ(run(write_text(stream, "x")).error().code, errc::timed_out);
  EXPECT_TRUE(peer.at_end());
}

TEST_F(stream_deadline, ADribbledFrameIsCutOff) {
  auto [peer, socket] = connected();
  stream_options options;
  options.frame_timeout = milliseconds(60);
  frame_stream stream(std::move(socket), options);
  const auto reading = start(read_text(stream));
  peer.send(framed(std::string(1'000'000, 'x')).substr(0, 4));
  const auto begin = clock::now();
  const auto limit = begin + testing::patience;
  while (!reading->done() && clock::now() < limit) {  // a byte at a time, without a pause
    ::send(peer.handle(), "x", 1, MSG_NOSIGNAL);
    io.restart();
    io.run_one_for(milliseconds(5));
  }
  ASSERT_TRUE(reading->done());
  EXPECT_EQ(reading->value->error().code, errc::timed_out);
  EXPECT_GE(clock::now() - begin, milliseconds(60));
}

TEST_F(stream_deadline, AFrameInTimeStartsTheNextAnew) {
  auto [peer, socket] = connected();
  stream_options options;
  options.frame_timeout = milliseconds(300);
  frame_stream stream(std::move(socket), options);
  const auto reading = start(read_text(stream));
  peer.send(framed("first").substr(0, 5));
  steady_timer later(io.get_executor(), milliseconds(100));
  bool now = false;
  later.async_wait([&now](const boost::system::error_code&) { now = true; });
  run_until([&now] { return now; });
  const auto begin = clock::now();
  peer.send(framed("first").substr(5) + framed("second").substr(0, 5));
  EXPECT_EQ(finish(reading).value(), "first");
  EXPECT_EQ(read_error(stream), errc::timed_out);
  EXPECT_GE(clock::now() - begin, milliseconds(300));
}

TEST_F(stream_deadline, APeerThatTakesNothingIsCutOff) {
  auto [peer, socket] = connected(4096, 4096);
  stream_options options;
  options.write_timeout = milliseconds(50);
  frame_stream stream(std::move(socket), options);
  const auto reading = start(read_text(stream));
  const auto begin = clock::now();
  ASSERT_TRUE(run(write_text(stream, std::string(900'000, 's'))));
  EXPECT_EQ(finish(reading).error().code, errc::timed_out);
  EXPECT_GE(clock::now() - begin, milliseconds(50));
  EXPECT_EQ(run(write_text(stream, "x")).error().code, errc::timed_out);
}

}  // namespace
}  // namespace sluice
