// Both ends of a stream against each other: plain, and inside TLS.
#include "net/stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/unique_fd.h"
#include "net/path_tuning.h"
#include "net/tls_testing.h"
#include "net/which_protocol.h"

namespace sluice::net {
namespace {

using bytes = std::vector<std::byte>;

bytes pattern(std::size_t size) {
  bytes made(size);
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>((i * 2654435761U) >> 13);
  return made;
}

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

awaitable<void> send_all(stream& to, std::span<const std::byte> what, std::size_t piece,
                         bool ends) {
  while (!what.empty()) {
    const auto first = what.first(std::min(piece, what.size()));
    const auto second =
        what.subspan(first.size()).first(std::min(piece, what.size() - first.size()));
    const auto sent = to.send(first, second, false);
    EXPECT_TRUE(sent) << sent.error().message();
    if (!sent) co_return;
    what = what.subspan(*sent);
    if (*sent == 0) (void)co_await to.writable();
  }
  if (ends) to.end_sending();
}

awaitable<void> receive_all(stream& from, std::size_t piece, bytes& into, errc& end) {
  bytes part(piece);
  for (;;) {
    const auto got = from.receive(part);
    if (!got) {
      end = got.error().code;
      co_return;
    }
    into.insert(into.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*got));
    if (*got > 0) continue;
    if (from.begin_wait(1)) (void)co_await from.readable();
  }
}

awaitable<void> receive_count(stream& from, std::size_t piece, std::size_t count, bytes& into) {
  bytes part(piece);
  while (into.size() < count) {
    const auto got = from.receive(part);
    EXPECT_TRUE(got) << got.error().message();
    if (!got) co_return;
    into.insert(into.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*got));
    if (*got == 0 && from.begin_wait(1)) (void)co_await from.readable();
  }
}

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
  ends_.start(send_all(ends_.near(), pattern(1000), 1000, false));
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
  ends_.start(send_all(ends_.near(), pattern(50'000), 50'000, false));
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
  ends_.start(send_all(ends_.near(), pattern(50'000), 50'000, false));
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

class Tls : public testing::Test {
 protected:
  Tls() : server_(*tls_server::open(certificate_.files())), client_(*tls_client::make()) {}

  certificate_files certificate_;
  std::unique_ptr<tls_server> server_;
  std::unique_ptr<tls_client> client_;
};

TEST_F(Tls, agrees_on_the_newest_version_and_a_protocol) {
  connected ends;
  const auto done = shake(ends, *server_, *client_, alpn_http);
  ASSERT_TRUE(done.server && done.client);
  EXPECT_EQ(ends.far().tls().protocol(), "http/1.1");
  EXPECT_EQ(ends.near().tls().protocol(), "http/1.1");
  EXPECT_EQ(ends.far().tls().description(), "TLSv1.3, TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(done.client->fingerprint, server_->fingerprint());
  EXPECT_FALSE(done.client->is_trusted);
  EXPECT_THAT(done.client->doubt, testing::HasSubstr("self"));
}

TEST_F(Tls, refuses_a_protocol_that_nobody_speaks) {
  connected ends;
  const auto done = shake(ends, *server_, *client_, "h2");
  ASSERT_FALSE(done.server);
  ASSERT_FALSE(done.client);
  EXPECT_EQ(done.client.error().code, errc::not_allowed);
  EXPECT_THAT(done.client.error().context, testing::HasSubstr("no application protocol"));
}

awaitable<void> receive_once(stream& from) {
  (void)from.begin_wait(1);
  (void)co_await from.readable();
  bytes part(10);
  (void)from.receive(part);
}

TEST_F(Tls, goes_on_with_a_session) {
  for (const bool resumes : {false, true, true}) {
    connected ends;
    ASSERT_TRUE(shake(ends, *server_, *client_).client);
    EXPECT_EQ(ends.near().tls().is_resumed(), resumes);
    // The ticket comes behind the handshake, in front of what the server says.
    const bytes word{std::byte{'x'}};
    ASSERT_TRUE(ends.far().send(word, {}, false));
    ends.start(receive_once(ends.near()));
    ends.run();
  }
  certificate_.make();
  ASSERT_TRUE(server_->reload());
  connected ends;
  const auto done = shake(ends, *server_, *client_);
  ASSERT_TRUE(done.client);
  EXPECT_FALSE(ends.near().tls().is_resumed());
  EXPECT_EQ(done.client->fingerprint, server_->fingerprint());
}

TEST_F(Tls, keeps_the_old_certificate_where_the_new_one_is_broken) {
  const auto before = server_->fingerprint();
  std::ofstream(certificate_.files().certificate) << "no certificate";
  const auto loaded = server_->reload();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, errc::invalid_argument);
  EXPECT_THAT(loaded.error().context,
              testing::HasSubstr(certificate_.files().certificate.string()));
  EXPECT_EQ(server_->fingerprint(), before);
  std::filesystem::remove(certificate_.files().key);
  ASSERT_FALSE(server_->reload());
  connected ends;
  EXPECT_TRUE(shake(ends, *server_, *client_).client);
}

TEST_F(Tls, needs_a_key_that_fits) {
  const certificate_files other;
  const auto opened = tls_server::open({certificate_.files().certificate, other.files().key});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::invalid_argument);
  EXPECT_THAT(opened.error().context, testing::HasSubstr(other.files().key.string()));
}

TEST_F(Tls, is_not_what_a_plain_server_speaks) {
  connected ends;
  handshakes done;
  ends.start(connect_into(ends.near(), *client_, "localhost", alpn_native, done.client));
  ends.settle();
  const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
  ASSERT_TRUE(ends.far().send(std::as_bytes(std::span(answer)), {}, false));
  ends.run();
  ASSERT_FALSE(done.client);
  EXPECT_EQ(done.client.error().code, errc::not_allowed);
  EXPECT_THAT(done.client.error().context, testing::HasSubstr("what came is no TLS"));
}

TEST_F(Tls, a_flipped_bit_breaks_the_stream) {
  connected ends;
  ASSERT_TRUE(shake(ends, *server_, *client_).client);
  // A record that neither side's keys made.
  const bytes forged{std::byte{23}, std::byte{3},  std::byte{3},  std::byte{0},  std::byte{17},
                     std::byte{1},  std::byte{2},  std::byte{3},  std::byte{4},  std::byte{5},
                     std::byte{6},  std::byte{7},  std::byte{8},  std::byte{9},  std::byte{10},
                     std::byte{11}, std::byte{12}, std::byte{13}, std::byte{14}, std::byte{15},
                     std::byte{16}, std::byte{17}};
  ASSERT_EQ(::send(ends.near().socket().native_handle(), forged.data(), forged.size(), 0),
            std::ssize(forged));
  bytes part(10);
  const auto got = ends.far().receive(part);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::broken_stream);
}

// A key update that the peer asks for is answered before the next record that is sent; the reader
// may then need room to send.
TEST_F(Tls, takes_key_updates_while_the_kernel_is_full) {
  connected ends;
  ASSERT_TRUE(shake(ends, *server_, *client_).client);
  const auto content = pattern(20'000'000);
  bytes at_server;
  bytes at_client;
  errc server_end{};
  errc client_end{};
  ends.start(send_all(ends.far(), content, 1'000'000, true));
  ends.settle();  // the kernel is full of what goes to the client
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(SSL_key_update(ends.near().tls().ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ends.start(send_all(ends.near(), std::span(content).first(1000), 1000, false));
    ends.settle();
  }
  ends.start(receive_all(ends.far(), 1000, at_server, server_end));
  ends.settle();
  ends.start(receive_all(ends.near(), 100'000, at_client, client_end));
  ends.settle();
  ends.near().end_sending();
  ends.run();
  EXPECT_TRUE(at_client == content);
  EXPECT_EQ(at_server.size(), 5000U);
  EXPECT_EQ(client_end, errc::end_of_stream);
  EXPECT_EQ(server_end, errc::end_of_stream);
}

awaitable<void> tell_protocol(stream& from, result<protocol>& into) {
  into = co_await which_protocol(from);
}

TEST_F(Tls, hides_a_protocol_that_the_first_byte_tells) {
  connected ends;
  ASSERT_TRUE(shake(ends, *server_, *client_).client);
  const std::string said = "GET / HTTP/1.1\r\n";
  ASSERT_TRUE(ends.near().send(std::as_bytes(std::span(said)), {}, false));
  result<protocol> told = protocol::unknown;
  ends.start(tell_protocol(ends.far(), told));
  ends.run();
  EXPECT_EQ(told, result<protocol>(protocol::http));
}

// Two records of one byte each, cut at any place: with the first comes a part of the second's head.
TEST_F(Tls, wakes_for_records_that_come_in_two_parts) {
  connected ends;
  ASSERT_TRUE(shake(ends, *server_, *client_).client);
  const int near = ends.near().socket().native_handle();
  const int far = ends.far().socket().native_handle();
  for (std::size_t cut = 1; cut < 46; ++cut) {
    for (const std::byte word : {std::byte{1}, std::byte{2}}) {
      ASSERT_TRUE(ends.near().send(std::span(&word, 1), {}, false));
    }
    bytes wire(100);
    ends.settle();
    const auto count = ::recv(far, wire.data(), wire.size(), MSG_DONTWAIT);
    ASSERT_EQ(count, 46);
    ASSERT_EQ(::send(near, wire.data(), cut, 0), static_cast<long>(cut));
    bytes got;
    ends.start(receive_count(ends.far(), 10, 2, got));
    ends.settle();
    EXPECT_EQ(got.size(), cut < 23 ? 0U : 1U) << cut;
    ASSERT_EQ(::send(near, wire.data() + cut, 46 - cut, 0), 46 - static_cast<long>(cut));
    ends.settle();
    EXPECT_EQ(got, (bytes{std::byte{1}, std::byte{2}})) << cut;
    if (got.size() < 2) return;
  }
}

// What waits on the wire is told exactly, however it is split into records.
TEST_F(Tls, knows_what_is_missing_of_a_record) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto content = pattern(200'000);
  for (int round = 0; round < 20; ++round) {
    connected ends;
    ASSERT_TRUE(shake(ends, *server_, *client_).client);
    (void)ends.far().begin_wait(2 * content.size());  // so the kernel makes room for all of it
    std::size_t taken = 0;
    std::size_t sent = 0;
    bytes part(1 + random() % 20'000);
    while (taken < content.size()) {
      if (sent < content.size()) {
        const auto piece = std::span(content).subspan(sent).first(
            std::min<std::size_t>(content.size() - sent, 1 + random() % 40'000));
        const auto went = ends.near().send(piece, {}, false);
        ASSERT_TRUE(went);
        sent += *went;
      }
      // Never more than what was sent may seem to be here, and all of it does.
      const std::size_t missing = sent - taken;
      EXPECT_EQ(ends.far().seems_here(1), missing > 0);
      EXPECT_FALSE(ends.far().seems_here(missing + 2000)) << missing;
      const auto got = ends.far().receive(part);
      ASSERT_TRUE(got);
      ASSERT_TRUE(
          std::ranges::equal(std::span(part).first(*got), std::span(content).subspan(taken, *got)));
      taken += *got;
    }
  }
}

}  // namespace
}  // namespace sluice::net
