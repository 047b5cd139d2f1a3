// Both ends of a stream against each other: plain, and inside TLS.
#include "net/stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/unique_fd.h"
#include "net/path_tuning.h"
#include "net/stream_testing.h"
#include "net/tls_testing.h"

namespace sluice::net {
namespace {

enum class kind { plain, tls };

class Stream : public testing::TestWithParam<kind> {
 protected:
  Stream() {
    if (GetParam() == kind::plain) return;
    auto server = tls_server::open(certificate_.files());
    EXPECT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    client_ = std::move(*tls_client::make());
    const auto done = shake(ends_, *server_, *client_);
    EXPECT_TRUE(done.server) << done.server.error().message();
    EXPECT_TRUE(done.client) << done.client.error().message();
  }

  certificate_files certificate_;
  std::unique_ptr<tls_server> server_;
  std::unique_ptr<tls_client> client_;
  connected ends_;
};

INSTANTIATE_TEST_SUITE_P(both, Stream, testing::Values(kind::plain, kind::tls),
                         [](const auto& tested) {
                           return tested.param == kind::plain ? "plain" : "tls";
                         });

TEST_P(Stream, carries_any_split) {
  const auto content = pattern(300'000);
  for (const std::size_t sent : {1'000U, 16'383U, 16'384U, 16'385U, 100'000U, 300'000U}) {
    for (const std::size_t received : {7U, 5'000U, 16'384U, 1'000'000U}) {
      bytes got;
      ends_.start(send_all(ends_.near(), content, sent, false));
      ends_.start(receive_count(ends_.far(), received, content.size(), got));
      ends_.run();
      EXPECT_TRUE(got == content) << sent << " " << received;
    }
  }
}

TEST_P(Stream, ends_cleanly_with_all_that_was_sent) {
  const auto content = pattern(3'000'000);
  bytes got;
  errc end{};
  ends_.start(send_all(ends_.near(), content, 70'000, true));
  ends_.start(receive_all(ends_.far(), 65'536, got, end));
  ends_.run();
  EXPECT_TRUE(got == content);
  EXPECT_EQ(end, errc::end_of_stream);
}

// How much the kernel takes for a peer that takes nothing.
std::size_t fill(stream& to) {
  const auto piece = pattern(16'384);
  std::size_t taken = 0;
  for (;;) {
    const auto sent = to.send(piece, {}, false);
    EXPECT_TRUE(sent) << sent.error().message();
    if (!sent || *sent == 0) return taken;
    taken += *sent;
  }
}

TEST_P(Stream, holds_little_for_a_peer_that_takes_nothing) {
  EXPECT_LT(fill(ends_.near()), 4 * unsent_bytes_max);
}

TEST_P(Stream, holds_more_for_a_peer_that_took_a_lot) {
  const auto content = pattern(2'000'000);
  bytes got;
  ends_.start(send_all(ends_.near(), content, 70'000, false));
  ends_.start(receive_count(ends_.far(), 65'536, content.size(), got));
  ends_.run();
  EXPECT_GT(fill(ends_.near()), 4 * unsent_bytes_max);
}

TEST_P(Stream, tells_an_end_from_a_cut) {
  bytes got;
  errc end{};
  const auto content = pattern(1000);
  ends_.start(send_all(ends_.near(), content, 1000, false));
  ends_.settle();
  ends_.near().socket().shutdown(tcp_socket::shutdown_send);  // no close_notify
  ends_.start(receive_all(ends_.far(), 65'536, got, end));
  ends_.run();
  EXPECT_EQ(got.size(), 1000U);
  EXPECT_EQ(end, GetParam() == kind::plain ? errc::end_of_stream : errc::broken_stream);
  const auto again = ends_.far().receive(got);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, end);
}

awaitable<void> send_file_all(stream& to, int fd, std::uint64_t offset, std::uint64_t size,
                              errc& failed) {
  while (size > 0) {
    const auto sent = to.send_file(fd, offset, size);
    if (!sent) {
      failed = sent.error().code;
      co_return;
    }
    offset += *sent;
    size -= *sent;
    if (*sent == 0) (void)co_await to.writable();
  }
  to.end_sending();
}

base::unique_fd file_of(std::span<const std::byte> content) {
  base::unique_fd file(::memfd_create("content", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), std::ssize(content));
  return file;
}

TEST_P(Stream, sends_a_part_of_a_file) {
  const auto content = pattern(5'000'000);
  const auto file = file_of(content);
  bytes got;
  errc end{};
  errc failed = errc::internal;
  ends_.start(send_file_all(ends_.near(), file.get(), 12'345, 4'000'001, failed));
  ends_.start(receive_all(ends_.far(), 40'000, got, end));
  ends_.run();
  EXPECT_EQ(end, errc::end_of_stream);
  EXPECT_TRUE(std::ranges::equal(got, std::span(content).subspan(12'345, 4'000'001)));
  EXPECT_EQ(failed, errc::internal);
}

awaitable<void> send_file_and_close(stream& to, int fd, std::uint64_t size_bytes, errc& failed) {
  co_await send_file_all(to, fd, 0, size_bytes, failed);
  to.close();
}

TEST_P(Stream, notices_that_a_file_became_shorter) {
  const auto file = file_of(pattern(5'000'000));
  errc failed{};
  ends_.start(send_file_and_close(ends_.near(), file.get(), 5'000'000, failed));
  ends_.settle();  // as much as the kernel takes
  ASSERT_EQ(::ftruncate(file.get(), 1000), 0);
  bytes got;
  errc end{};
  ends_.start(receive_all(ends_.far(), 40'000, got, end));
  ends_.run();
  EXPECT_EQ(failed, errc::changed);
  EXPECT_LT(got.size(), 5'000'000U);
}

TEST_P(Stream, peeks_without_taking) {
  EXPECT_EQ(ends_.far().peek(), result<std::optional<std::byte>>(std::nullopt));
  EXPECT_FALSE(ends_.far().has_more());
  const bytes said{std::byte{0x89}, std::byte{'x'}};
  ends_.start(send_all(ends_.near(), said, 2, true));
  ends_.settle();
  EXPECT_TRUE(ends_.far().has_more());
  for (int i = 0; i < 3; ++i) {
    const auto next = ends_.far().peek();
    ASSERT_TRUE(next);
    EXPECT_EQ(*next, std::byte{0x89});
  }
  EXPECT_FALSE(ends_.far().peer_ended());
  bytes got(10);
  EXPECT_EQ(ends_.far().receive(got), result<std::size_t>(2U));
  EXPECT_TRUE(ends_.far().peer_ended());
}

awaitable<void> wait_for(stream& from, std::size_t count, bool& woken) {
  if (from.begin_wait(count)) (void)co_await from.readable();
  woken = true;
}

TEST_P(Stream, wakes_when_as_much_is_here_as_was_asked_for) {
  const auto content = pattern(100'000);
  ends_.start(send_all(ends_.near(), std::span(content).first(20), 20, false));
  ends_.settle();
  bytes head(10);
  ASSERT_EQ(ends_.far().receive(head), result<std::size_t>(10U));  // the record is decrypted now
  bool woken = false;
  ends_.start(wait_for(ends_.far(), 100'000 - 10, woken));
  ends_.start(send_all(ends_.near(), std::span(content).subspan(20, 99'979), 99'979, false));
  ends_.settle();
  EXPECT_FALSE(woken);
  EXPECT_FALSE(ends_.far().seems_here(100'000 - 10));
  ends_.start(send_all(ends_.near(), std::span(content).last(1), 1, false));
  ends_.settle();
  EXPECT_TRUE(woken);
  EXPECT_TRUE(ends_.far().seems_here(100'000 - 10));
  bytes rest;
  bytes part(100'000);
  while (rest.size() < 100'000 - 10) {
    const auto got = ends_.far().receive(part);
    ASSERT_TRUE(got);
    ASSERT_GT(*got, 0U);
    rest.insert(rest.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  EXPECT_TRUE(std::ranges::equal(rest, std::span(content).subspan(10)));
}

TEST_P(Stream, drops_what_comes_and_waits_for_more) {
  const auto content = pattern(50'000);
  ends_.start(send_all(ends_.near(), content, 50'000, false));
  ends_.settle();
  bytes part(10);
  ASSERT_TRUE(ends_.far().receive(part));
  const auto dropped = ends_.far().drop();
  ASSERT_TRUE(dropped);
  EXPECT_GT(*dropped, 30'000U);
  bool woken = false;
  ends_.start(wait_for(ends_.far(), 1, woken));  // not at once, though some is decrypted
  ends_.settle();
  EXPECT_FALSE(woken);
  ends_.near().end_sending();
  ends_.settle();
  EXPECT_TRUE(woken);
}

TEST_P(Stream, that_was_closed_is_cancelled) {
  ends_.far().close();
  bytes part(10);
  const auto got = ends_.far().receive(part);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::cancelled);
  const auto sent = ends_.far().send(part, {}, false);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::cancelled);
  EXPECT_EQ(ends_.far().here(), 0U);
  EXPECT_FALSE(ends_.far().has_more());
}

TEST_P(Stream, counts_what_arrives_and_what_is_delivered) {
  const auto before = ends_.far().arrived();
  const auto sent_before = ends_.near().delivered();
  const auto content = pattern(50'000);
  ends_.start(send_all(ends_.near(), content, 50'000, false));
  ends_.settle();
  const auto arrived = ends_.far().arrived() - before;
  EXPECT_GE(arrived, 50'000U);
  EXPECT_LT(arrived, 51'000U);
  bytes part(100);
  ASSERT_TRUE(ends_.far().receive(part));
  EXPECT_EQ(ends_.far().arrived() - before, arrived);
  EXPECT_LE(ends_.near().delivered() - sent_before, arrived);  // the peer may acknowledge later
  EXPECT_GT(ends_.near().delivered() - sent_before, 0U);
}

}  // namespace
}  // namespace sluice::net
