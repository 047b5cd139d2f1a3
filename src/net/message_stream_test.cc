// message_writer and message_reader against each other over a loopback connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <thread>

#include "net/buffers.h"
#include "net/connected.h"
#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/on_pool.h"
#include "net/path_tuning.h"

namespace sluice::net {
namespace {

std::vector<std::byte> pattern(std::size_t size, unsigned seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 2654435761U + seed) >> 13);
  }
  return bytes;
}

class MessageStream : public testing::Test {
 protected:
  void start(awaitable<void> work) { ends_.start(std::move(work)); }
  void settle() { ends_.settle(); }

  connected ends_;
  stream& near_ = ends_.near();
  stream& far_ = ends_.far();
};

wire::block_head head_of(std::uint64_t offset, std::span<const std::byte> payload) {
  return {.offset = offset, .digest = base::digest_of(payload)};
}

awaitable<void> read_stat(message_reader& reader, std::string& path) {
  const auto head = co_await reader.next();
  EXPECT_TRUE(head) << head.error().message();
  if (!head) co_return;
  EXPECT_EQ(head->kind, wire::kind::stat);
  const auto body = co_await reader.body();
  EXPECT_TRUE(body);
  if (!body) co_return;
  const auto stat = wire::parse_message<v1::Stat>(head->kind, *body);
  EXPECT_TRUE(stat);
  if (stat) path = stat->path();
}

v1::Stat stat_of(std::string path) {
  v1::Stat stat;
  stat.set_path(std::move(path));
  return stat;
}

awaitable<void> expect_block(message_reader& reader, std::uint64_t offset,
                             std::vector<std::byte> content) {
  const auto head = co_await reader.next();
  EXPECT_TRUE(head) << head.error().message();
  if (!head) co_return;
  EXPECT_EQ(head->kind, wire::kind::block);
  const auto block = co_await reader.block();
  EXPECT_TRUE(block) << block.error().message();
  if (!block) co_return;
  EXPECT_EQ(block->offset, offset);
  std::vector<std::byte> got(reader.payload_left());
  const auto read = co_await reader.payload(got);
  EXPECT_TRUE(read);
  EXPECT_EQ(got, content);
  EXPECT_EQ(block->digest, base::digest_of(got));
}

awaitable<void> read_blocks_between_messages(message_reader& reader,
                                             std::vector<std::byte> content) {
  std::string path;
  for (std::uint64_t i = 0; i < 5; ++i) {
    co_await read_stat(reader, path);
    EXPECT_EQ(path, "before " + std::to_string(i));
    co_await expect_block(reader, i << 20, content);
  }
  const auto end = co_await reader.next();
  EXPECT_FALSE(end);
  if (!end) {
    EXPECT_EQ(end.error().code, errc::end_of_stream);
  }
}

awaitable<void> close_when_drained(message_writer& writer, stream& to) {
  const auto drained = co_await writer.drained();
  EXPECT_TRUE(drained);
  writer.close();
  to.end_sending();
}

TEST_F(MessageStream, BlocksFromMemoryArriveBetweenMessages) {
  message_writer writer(near_);
  message_reader reader(far_, wire::side::client);
  const auto content = std::make_shared<std::vector<std::byte>>(pattern(base::block_bytes, 1));
  for (std::uint64_t i = 0; i < 5; ++i) {
    writer.send(wire::kind::stat, 1, 0, stat_of("before " + std::to_string(i)));
    writer.send_block(2, head_of(i << 20, *content), memory_piece{content, *content});
  }
  start(writer.run());
  start(close_when_drained(writer, near_));
  start(read_blocks_between_messages(reader, *content));
  ends_.run();
  EXPECT_FALSE(writer.failure());
}

TEST_F(MessageStream, BlocksFromAFileArriveBetweenMessages) {
  const auto content = pattern(base::block_bytes - 7, 2);
  const int fd = ::memfd_create("content", MFD_CLOEXEC);
  ASSERT_EQ(::pwrite(fd, content.data(), content.size(), 100),
            static_cast<ssize_t>(content.size()));
  message_writer writer(near_);
  message_reader reader(far_, wire::side::client);
  for (std::uint64_t i = 0; i < 5; ++i) {
    writer.send(wire::kind::stat, 1, 0, stat_of("before " + std::to_string(i)));
    writer.send_block(2, head_of(i << 20, content), file_piece{nullptr, fd, 100, content.size()});
  }
  start(writer.run());
  start(close_when_drained(writer, near_));
  start(read_blocks_between_messages(reader, content));
  ends_.run();
  EXPECT_FALSE(writer.failure());
  ::close(fd);
}

TEST_F(MessageStream, AFileThatBecameShorterEndsTheStream) {
  const int fd = ::memfd_create("content", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(fd, 10), 0);
  message_writer writer(near_);
  writer.send_block(2, wire::block_head{}, file_piece{nullptr, fd, 0, 20});
  start(writer.run());
  ends_.run();
  ASSERT_TRUE(writer.failure());
  EXPECT_EQ(writer.failure()->code, errc::changed);
  ::close(fd);
}

TEST_F(MessageStream, TheLargestControlMessagePasses) {
  message_writer writer(near_);
  message_reader reader(far_, wire::side::client);
  v1::Stat stat = stat_of(std::string(wire::max_control_body_bytes - 4, 'x'));
  ASSERT_EQ(stat.ByteSizeLong(), wire::max_control_body_bytes);
  writer.send(wire::kind::stat, 1, 0, stat);
  writer.send(wire::kind::stat, 2, 0, stat_of("after"));
  start(writer.run());
  start(close_when_drained(writer, near_));
  std::string first;
  std::string second;
  start([](message_reader& in, std::string& a, std::string& b) -> awaitable<void> {
    co_await read_stat(in, a);
    co_await read_stat(in, b);
  }(reader, first, second));
  ends_.run();
  EXPECT_EQ(first.size(), wire::max_control_body_bytes - 4);
  EXPECT_EQ(second, "after");
}

TEST_F(MessageStream, AMessageOverTheLimitIsAnErrorOfTheWriter) {
  message_writer writer(near_);
  writer.send(wire::kind::stat, 1, 0, stat_of(std::string(wire::max_control_body_bytes, 'x')));
  ASSERT_TRUE(writer.failure());
  EXPECT_EQ(writer.failure()->code, errc::frame_too_large);
}

awaitable<void> next_code(message_reader& reader, errc& code) {
  for (;;) {
    const auto head = co_await reader.next();
    if (!head) {
      code = head.error().code;
      co_return;
    }
    const auto block = co_await reader.block();
    EXPECT_TRUE(block);
  }
}

TEST_F(MessageStream, AnEndInsideAFrameIsABrokenStream) {
  message_reader reader(far_, wire::side::client);
  const auto content = pattern(1000, 3);
  const auto frame = wire::encode_block_frame_head(7, 0, head_of(0, content), 1000);
  boost::asio::write(near_.socket(), boost::asio::buffer(*frame));
  boost::asio::write(near_.socket(), boost::asio::buffer(content.data(), 999));
  near_.close();
  errc code{};
  start(next_code(reader, code));
  ends_.run();
  EXPECT_EQ(code, errc::broken_stream);
}

TEST_F(MessageStream, WhatIsNotTakenOfAFrameIsSkipped) {
  message_reader reader(far_, wire::side::client);
  message_writer writer(near_);
  const auto content = std::make_shared<std::vector<std::byte>>(pattern(base::block_bytes, 4));
  for (std::uint64_t i = 0; i < 3; ++i) {
    writer.send_block(2, head_of(i << 20, *content), memory_piece{content, *content});
  }
  start(writer.run());
  start(close_when_drained(writer, near_));
  errc code{};
  start(next_code(reader, code));
  ends_.run();
  EXPECT_EQ(code, errc::end_of_stream);
}

awaitable<void> wait_for_room(message_writer& writer, bool& had_room) {
  had_room = (co_await writer.room()).has_value();
}

TEST_F(MessageStream, RoomWaitsAtTheHighWaterMark) {
  message_writer writer(near_);
  const auto content = std::make_shared<std::vector<std::byte>>(pattern(base::block_bytes, 5));
  bool had_room = false;
  for (std::uint64_t i = 0; i < 3; ++i) {
    writer.send_block(2, head_of(i << 20, *content), memory_piece{content, *content});
  }
  start(wait_for_room(writer, had_room));
  settle();
  EXPECT_TRUE(had_room) << "under 4 MiB";
  writer.send_block(2, head_of(3 << 20, *content), memory_piece{content, *content});
  had_room = false;
  start(wait_for_room(writer, had_room));
  settle();
  EXPECT_FALSE(had_room) << "over 4 MiB";
  start(writer.run());
  message_reader reader(far_, wire::side::client);
  errc code{};
  start(close_when_drained(writer, near_));
  start(next_code(reader, code));
  ends_.run();
  EXPECT_TRUE(had_room) << "after the peer read";
}

struct reception {
  std::vector<std::byte> content;
  std::size_t bytes = 0;
  int wake_ups = 0;
};

awaitable<void> receive_when_ready(message_reader& reader, reception& into) {
  const auto head = co_await reader.next();
  EXPECT_TRUE(head);
  const auto block = co_await reader.block();
  EXPECT_TRUE(block);
  while (reader.payload_left() > 0) {
    const auto ready = co_await reader.payload_ready(reader.payload_left());
    EXPECT_TRUE(ready);
    const auto got = reader.payload_now(std::span(into.content).subspan(into.bytes));
    EXPECT_TRUE(got);
    if (!got) co_return;
    into.bytes += *got;
    ++into.wake_ups;
  }
}

TEST_F(MessageStream, ASlowPayloadWaitsInTheKernel) {
  message_reader reader(far_, wire::side::client);
  const auto content = pattern(500'000, 6);
  const auto frame = wire::encode_block_frame_head(7, 0, head_of(0, content), 500'000);
  reception got{.content = std::vector<std::byte>(500'000)};
  start(receive_when_ready(reader, got));
  boost::asio::write(near_.socket(), boost::asio::buffer(*frame));
  settle();
  constexpr std::size_t piece = 5'000;
  for (std::size_t sent = 0; sent < content.size(); sent += piece) {
    boost::asio::write(near_.socket(), boost::asio::buffer(content.data() + sent, piece));
    settle();
  }
  ends_.run();
  EXPECT_EQ(got.content, content);
  EXPECT_LT(got.wake_ups, 20) << "of 100 pieces";
}

awaitable<void> call(blocking_pool& pool, std::thread::id& worker, bool& threw) {
  auto id = co_await on_pool(pool, [] { return std::this_thread::get_id(); });
  worker = id;
  try {
    co_await on_pool(pool, []() -> int { throw std::runtime_error("bug"); });
  } catch (const std::runtime_error&) {
    threw = true;
  }
}

TEST_F(MessageStream, PoolWorkRunsElsewhereAndThrowsHere) {
  blocking_pool pool(1);
  std::thread::id worker;
  bool threw = false;
  start(call(pool, worker, threw));
  ends_.run();
  EXPECT_TRUE(worker != std::thread::id{});
  EXPECT_TRUE(worker != std::this_thread::get_id());
  EXPECT_TRUE(threw);
}

awaitable<void> take(base::buffer_pool& pool, int& taken, std::vector<base::pooled_buffer>& kept) {
  auto buffer = co_await acquire(pool);
  EXPECT_TRUE(buffer);
  if (!buffer) co_return;
  ++taken;
  kept.push_back(std::move(*buffer));
}

TEST_F(MessageStream, BuffersAreWaitedForInOrder) {
  base::buffer_pool pool(2);
  std::vector<base::pooled_buffer> kept;
  int taken = 0;
  for (int i = 0; i < 3; ++i) start(take(pool, taken, kept));
  settle();
  EXPECT_EQ(taken, 2) << "the limit";
  kept.clear();
  ends_.run();
  EXPECT_EQ(taken, 3);
}

}  // namespace
}  // namespace sluice::net
