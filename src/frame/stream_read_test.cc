#include <malloc.h>

#include <array>
#include <vector>

#include "frame/stream_test.h"

namespace sluice {
namespace {

using testing::framed;

class stream_read : public testing::stream_test {
 protected:
  static awaitable<result<void>> read_bytes(frame_stream& stream, std::span<std::byte> into) {
    auto done = co_await stream.read_exactly(into);
    co_return done;
  }
  std::string bytes_now(frame_stream& stream, std::size_t size) {
    std::vector<std::byte> into(size);
    auto done = run(read_bytes(stream, into));
    return done ? std::string(as_text(into)) : "ERROR " + done.error().message();
  }
  errc bytes_error(frame_stream& stream, std::size_t size) {
    std::vector<std::byte> into(size);
    auto done = run(read_bytes(stream, into));
    EXPECT_FALSE(done);
    return done ? errc::internal : done.error().code;
  }
};

TEST_F(stream_read, SeveralFramesInOneArrival) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  peer.send(framed("one") + framed("") + framed("three"));
  EXPECT_EQ(read_now(stream), "one");
  EXPECT_EQ(read_now(stream), "");
  EXPECT_EQ(read_now(stream), "three");
}

TEST_F(stream_read, AFrameByteByByte) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  const auto reading = start(read_text(stream));
  const std::string bytes = framed("水閘");
  for (const char& byte : bytes) {
    settle();
    EXPECT_FALSE(reading->done());
    peer.send({&byte, 1});
  }
  EXPECT_EQ(finish(reading).value(), "水閘");
}

TEST_F(stream_read, AFrameLargerThanAnyBuffer) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  const std::string large(3'000'000, 'x');
  const auto reading = start(read_text(stream));
  std::thread sender([&] { peer.send(framed(large) + framed("after")); });
  EXPECT_EQ(finish(reading).value(), large);
  EXPECT_EQ(read_now(stream), "after");
  sender.join();
}

TEST_F(stream_read, AFrameStaysInPlaceWhileTheStreamMoves) {
  auto [peer, socket] = connected();
  frame_stream first(std::move(socket));
  peer.send(framed("stays") + framed("next"));
  struct mover {
    static awaitable<std::string> run(frame_stream from) {
      auto got = co_await from.read();
      frame_stream to = std::move(from);
      std::string text(as_text(got.value()));
      auto next = co_await to.read();
      co_return text + "," + std::string(as_text(next.value()));
    }
  };
  EXPECT_EQ(run(mover::run(std::move(first))), "stays,next");
}

TEST_F(stream_read, ACleanEndIsToldAgainAndAgain) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  peer.send(framed("last"));
  peer.leave();
  EXPECT_EQ(read_now(stream), "last");
  EXPECT_EQ(read_error(stream), errc::end_of_stream);
  EXPECT_EQ(read_error(stream), errc::end_of_stream);
}

TEST_F(stream_read, AnEndInsideAFrameIsBroken) {
  for (const std::size_t cut : {1U, 3U, 4U, 5U, 8U}) {
    auto [peer, socket] = connected();
    frame_stream stream(std::move(socket));
    peer.send(framed("whole") + framed("parts").substr(0, cut));
    peer.leave();
    EXPECT_EQ(read_now(stream), "whole");
    EXPECT_EQ(read_error(stream), errc::broken_stream) << "cut after " << cut;
    EXPECT_EQ(read_error(stream), errc::broken_stream);
  }
}

TEST_F(stream_read, AResetIsBrokenAndNamesThePeer) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  const std::string name = std::to_string(stream.remote_endpoint().port());
  peer.reset();
  auto got = run(read_text(stream));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::broken_stream);
  EXPECT_NE(got.error().context.find("127.0.0.1:" + name), std::string::npos)
      << got.error().context;
}

TEST_F(stream_read, AFrameOverTheMaximumEndsReadingButNotWriting) {
  auto [peer, socket] = connected();
  stream_options options;
  options.format = frame_format::make({.max_frame_bytes = 104}).value();
  frame_stream stream(std::move(socket), options);
  peer.send(framed(std::string(100, 'a')) + framed(std::string(101, 'b')) + framed("c"));
  EXPECT_EQ(read_now(stream), std::string(100, 'a'));
  EXPECT_EQ(read_error(stream), errc::frame_too_large);
  EXPECT_EQ(read_error(stream), errc::frame_too_large);
  ASSERT_TRUE(run(write_text(stream, "too large")));
  settle();
  EXPECT_EQ(peer.receive(13), framed("too large"));
}

TEST_F(stream_read, ExactBytesBetweenFrames) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  peer.send(framed("7 bytes follow") + "raw");
  EXPECT_EQ(read_now(stream), "7 bytes follow");
  std::vector<std::byte> into(7);
  const auto reading = start(read_bytes(stream, into));
  settle();
  EXPECT_FALSE(reading->done());
  peer.send("data" + framed("and a frame"));
  ASSERT_TRUE(finish(reading));
  EXPECT_EQ(as_text(into), "rawdata");
  EXPECT_EQ(read_now(stream), "and a frame");
  EXPECT_EQ(bytes_now(stream, 0), "");
}

TEST_F(stream_read, ExactBytesTellAnEndFromABreak) {
  auto [peer, socket] = connected();
  frame_stream stream(std::move(socket));
  peer.send("abc");
  peer.leave();
  EXPECT_EQ(bytes_now(stream, 3), "abc");
  EXPECT_EQ(bytes_error(stream, 1), errc::end_of_stream);

  auto [other, second] = connected();
  frame_stream broken(std::move(second));
  other.send("abc");
  other.leave();
  EXPECT_EQ(bytes_error(broken, 4), errc::broken_stream);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
// Memory follows the bytes that arrived: not what a head announces, and not what once was there.
TEST_F(stream_read, AnIdleStreamHoldsLittle) {
  constexpr std::size_t streams = 100;
  std::vector<testing::plain_peer> peers;
  std::vector<frame_stream> idle;
  const auto add = [&] {
    auto [peer, socket] = connected();
    peers.push_back(std::move(peer));
    idle.emplace_back(std::move(socket));
  };
  std::vector<std::shared_ptr<testing::outcome<result<std::string>>>> readings;
  add();  // what the streams share comes with the first
  peers[0].send(framed(std::string(100'000, 'x')));
  EXPECT_EQ(read_now(idle[0]).size(), 100'000U);
  readings.push_back(start(read_text(idle[0])));
  settle();

  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 1; i <= streams; ++i) {
    add();
    const auto reading = start(read_text(idle[i]));
    const std::string large = framed(std::string(100'000, 'x'));
    peers[i].send(large.substr(0, 50'000));
    settle();
    peers[i].send(large.substr(50'000));
    EXPECT_EQ(finish(reading).value().size(), 100'000U);
    ASSERT_TRUE(run(write_text(idle[i], std::string(100'000, 'y'))));
    peers[i].send(framed(std::string(8'000'000, 'x')).substr(0, 6));
    readings.push_back(start(read_text(idle[i])));
    settle();
    EXPECT_EQ(peers[i].receive(100'004).size(), 100'004U);
  }
  EXPECT_LT((mallinfo2().uordblks - before) / streams, 4096U);
}
#endif

}  // namespace
}  // namespace sluice
