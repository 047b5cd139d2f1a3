#include <boost/asio/bind_cancellation_slot.hpp>
#include <vector>

#include "frame/stream_test.h"

namespace sluice {
namespace {

using testing::framed;

class stream_write : public testing::stream_test {
 protected:
  static awaitable<int> echo(frame_stream& stream) {
    for (int frames = 0;; ++frames) {
      auto got = co_await stream.read();
      if (!got) co_return frames;
      auto sent = co_await stream.write(*got);
      if (!sent) co_return -1;
    }
  }
  // Writes until told to stop by an error.
  static awaitable<result<void>> write_many(frame_stream& stream, std::size_t count,
                                            std::string text, std::size_t& written) {
    for (written = 0; written < count; ++written) {
      auto sent = co_await stream.write(text);
      if (!sent) co_return sent;
    }
    co_return result<void>{};
  }
  static awaitable<result<void>> flush(frame_stream& stream) { return stream.flush(); }
  static awaitable<result<void>> shutdown(frame_stream& stream) { return stream.shutdown(); }

  // Data segments that reached the peer: one for each send of ours that fits in one.
  static std::uint32_t segments_received(const testing::plain_peer& peer) {
    tcp_info info{};
    socklen_t size = sizeof info;
    getsockopt(peer.handle(), IPPROTO_TCP, TCP_INFO, &info, &size);
    // glibc's tcp_info ends early; the kernel's goes on. tcpi_segs_in is not of data alone.
    struct {
      tcp_info known;
      std::uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
      std::uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    } all{};
    size = sizeof all;
    EXPECT_EQ(getsockopt(peer.handle(), IPPROTO_TCP, TCP_INFO, &all, &size), 0);
    return all.data_segs_in;
  }
};

TEST_F(stream_write, RepliesToOneArrivalLeaveTogether) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  std::string batch;
  for (int i = 0; i < 64; ++i) batch += framed("frame " + std::to_string(i));
  peer.send(batch);
  const auto echoing = start(echo(stream));
  settle();
  EXPECT_EQ(peer.receive(batch.size()), batch);
  EXPECT_EQ(segments_received(peer), 1U);
  peer.leave();
  EXPECT_EQ(finish(echoing), 64);
}

// tokio-util: write_nothing_yields_nothing.
TEST_F(stream_write, NothingYieldsNothing) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  ASSERT_TRUE(run(flush(stream)));
  ASSERT_TRUE(run(shutdown(stream)));
  EXPECT_TRUE(peer.at_end());
}

TEST_F(stream_write, IsSentWithoutAnyFurtherCall) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  ASSERT_TRUE(run(write_text(stream, "tick")));
  settle();
  EXPECT_EQ(peer.receive(8), framed("tick"));
}

TEST_F(stream_write, IsSentWhileAReadWaits) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  const auto reading = start(read_text(stream));
  settle();
  ASSERT_TRUE(run(write_text(stream, "question")));
  settle();
  EXPECT_EQ(peer.receive(12), framed("question"));
  peer.send(framed("answer"));
  EXPECT_EQ(finish(reading).value(), "answer");
}

// tokio-util: write_single_frame_would_block, write_multi_frame_in_packet and the rest whose sink
// accepts only part.
TEST_F(stream_write, SurvivesPartialWrites) {
  auto [peer, socket] = connected(4096, 4096);
  frame_stream stream(std::move(socket));
  std::size_t written = 0;
  const auto writing = start(write_many(stream, 200, std::string(10'000, 'p'), written));
  std::string got;
  std::thread reader([&, &from = peer] { got = from.receive(200 * 10'004); });
  ASSERT_TRUE(finish(writing));
  ASSERT_TRUE(run(flush(stream)));
  EXPECT_EQ(stream.queued_bytes(), 0U);
  reader.join();
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += framed(std::string(10'000, 'p'));
  EXPECT_TRUE(got == expected);
}

TEST_F(stream_write, WaitsAtTheLimitOfTheQueue) {
  auto [peer, socket] = connected(4096, 4096);
  stream_options options;
  options.max_queued_bytes = 100'000;
  frame_stream stream(std::move(socket), options);
  std::size_t written = 0;
  const auto writing = start(write_many(stream, 1000, std::string(996, 'q'), written));
  settle();
  EXPECT_FALSE(writing->done());
  EXPECT_LE(stream.queued_bytes(), 100'000U);
  EXPECT_GT(stream.queued_bytes(), 99'000U);
  const std::size_t stopped_at = written;
  settle();
  EXPECT_EQ(written, stopped_at);

  std::thread reader([&from = peer] { EXPECT_EQ(from.receive(1'000'000).size(), 1'000'000U); });
  ASSERT_TRUE(finish(writing));
  EXPECT_EQ(written, 1000U);
  ASSERT_TRUE(run(flush(stream)));
  reader.join();
}

TEST_F(stream_write, TryWriteIsBusyOneByteOverTheLimit) {
  auto [peer, socket] = connected(4096, 4096);
  stream_options options;
  options.max_queued_bytes = 200'000;
  frame_stream stream(std::move(socket), options);
  while (stream.queued_bytes() < 100'000) {  // until the system takes no more
    ASSERT_TRUE(stream.try_write(as_frame(std::string(1000, 't'))));
    settle();
  }
  const std::size_t room = 200'000 - stream.queued_bytes();
  const auto refused = stream.try_write(as_frame(std::string(room - 3, 'u')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::busy);
  EXPECT_EQ(stream.queued_bytes(), 200'000 - room);
  ASSERT_TRUE(stream.try_write(as_frame(std::string(room - 4, 'u'))));
  EXPECT_EQ(stream.queued_bytes(), 200'000U);
  EXPECT_EQ(stream.try_write({}).error().code, errc::busy);
}

TEST_F(stream_write, OneFrameMayBeLargerThanTheQueue) {
  auto [peer, socket] = connected(4096, 4096);
  stream_options options;
  options.max_queued_bytes = 10;
  frame_stream stream(std::move(socket), options);
  const std::string large(500'000, 'l');
  ASSERT_TRUE(run(write_text(stream, large)));
  const auto second = start(write_text(stream, "second"));
  settle();
  EXPECT_FALSE(second->done());
  std::thread reader([&from = peer, &large] {
    EXPECT_TRUE(from.receive(500'014) == framed(large) + framed("second"));
  });
  EXPECT_TRUE(finish(second));
  EXPECT_TRUE(run(flush(stream)));
  reader.join();
}

TEST_F(stream_write, AFrameThatTheFormatCannotCarryChangesNothing) {
  auto [peer, socket] = connected();
  stream_options options;
  options.format = frame_format::make({.length_width = 1}).value();
  frame_stream stream(std::move(socket), options);
  const auto refused = run(write_text(stream, std::string(256, 'x')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::frame_too_large);
  ASSERT_TRUE(run(write_text(stream, std::string(255, 'x'))));
  settle();
  EXPECT_EQ(peer.receive(256), "\xff" + std::string(255, 'x'));
}

TEST_F(stream_write, FramesOfTwoWritersStayWhole) {
  auto [peer, socket] = connected(4096, 4096);
  stream_options options;
  options.max_queued_bytes = 5000;
  frame_stream stream(std::move(socket), options);
  std::size_t a = 0;
  std::size_t b = 0;
  const auto first = start(write_many(stream, 100, std::string(1000, 'a'), a));
  const auto second = start(write_many(stream, 100, std::string(777, 'b'), b));
  std::string got;
  std::thread reader([&, &from = peer] { got = from.receive(100 * 1004 + 100 * 781); });
  ASSERT_TRUE(finish(first));
  ASSERT_TRUE(finish(second));
  ASSERT_TRUE(run(flush(stream)));
  reader.join();
  frame_decoder decoder;
  auto input = as_frame(got);
  int whole = 0;
  for (; !input.empty(); ++whole) {
    const auto one = decoder.next(input).value().value();
    EXPECT_EQ(as_text(one), one.size() == 1000 ? std::string(1000, 'a') : std::string(777, 'b'));
  }
  EXPECT_EQ(whole, 200);
}

TEST_F(stream_write, AWriterLearnsThatThePeerIsGone) {
  auto [peer, socket] = connected(4096, 4096);
  frame_stream stream(std::move(socket));
  std::size_t written = 0;
  const auto writing = start(write_many(stream, 10'000, std::string(10'000, 'w'), written));
  settle();
  EXPECT_FALSE(writing->done());
  peer.reset();
  const auto done = finish(writing);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::broken_stream);
  EXPECT_EQ(run(flush(stream)).error().code, errc::broken_stream);
  EXPECT_EQ(stream.try_write({}).error().code, errc::broken_stream);
}

TEST_F(stream_write, AWriteCanBeCancelledFromOutside) {
  auto [peer, socket] = connected(4096, 4096);
  frame_stream stream(std::move(socket));
  asio::cancellation_signal signal;
  std::size_t written = 0;
  std::optional<result<void>> got;
  asio::co_spawn(io, write_many(stream, 10'000, std::string(10'000, 'w'), written),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&got](std::exception_ptr thrown, result<void> value) {
                       EXPECT_FALSE(thrown);
                       got = std::move(value);
                     }));
  settle();
  EXPECT_FALSE(got);
  signal.emit(asio::cancellation_type::terminal);
  run_until([&] { return got.has_value(); });
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, errc::cancelled);
}

}  // namespace
}  // namespace sluice
