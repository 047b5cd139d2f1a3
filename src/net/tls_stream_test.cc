// What a stream inside TLS does beyond a plain one: handshake, sessions, key updates, split
// records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <vector>

#include "net/stream.h"
#include "net/stream_testing.h"
#include "net/tls_testing.h"
#include "net/which_protocol.h"

namespace sluice::net {
namespace {

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
