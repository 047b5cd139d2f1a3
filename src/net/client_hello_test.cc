#include "net/client_hello.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "net/tls_testing.h"

namespace sluice::net {
namespace {

std::vector<std::byte> hello(std::size_t record, std::size_t message) {
  const std::array<std::size_t, 9> head{
      22, 3, 1, record >> 8, record & 255, 1, message >> 16, message >> 8 & 255, message & 255};
  std::vector<std::byte> made;
  for (const auto each : head) made.push_back(static_cast<std::byte>(each));
  return made;
}

TEST(ClientHello, tells_how_long_its_record_is) {
  EXPECT_EQ(client_hello_record(hello(300, 296)), result<std::size_t>(305U));
  const auto most = client_hello_bytes_max;
  EXPECT_EQ(client_hello_record(hello(most, most - 4)), result<std::size_t>(most + 5));
  EXPECT_EQ(client_hello_record(hello(1000, most)), result<std::size_t>(1005U));  // in two records
}

TEST(ClientHello, needs_its_first_bytes) {
  const auto whole = hello(300, 296);
  for (std::size_t count = 0; count < client_hello_head_bytes; ++count) {
    EXPECT_EQ(client_hello_record(std::span(whole).first(count)), result<std::size_t>(0U)) << count;
  }
}

TEST(ClientHello, is_refused_over_its_limit) {
  EXPECT_FALSE(client_hello_record(hello(client_hello_bytes_max + 1, 100)));
  EXPECT_FALSE(client_hello_record(hello(1000, client_hello_bytes_max + 1)));
  EXPECT_FALSE(client_hello_record(hello(1000, 0xFFFFFF)));
  EXPECT_FALSE(client_hello_record(hello(3, 0)));
}

TEST(ClientHello, is_told_from_other_records) {
  auto other = hello(300, 296);
  other[5] = std::byte{2};
  EXPECT_FALSE(client_hello_record(other));
  other = hello(300, 296);
  other[1] = std::byte{2};
  EXPECT_FALSE(client_hello_record(other));
  EXPECT_FALSE(client_hello_record(std::span(other).first(2)));
}

awaitable<void> wait_into(stream& from, std::optional<result<void>>& outcome) {
  outcome = co_await wait_for_client_hello(from);
}

TEST(ClientHello, is_waited_for_and_stays_in_the_kernel) {
  connected ends;
  std::optional<result<void>> outcome;
  ends.start(wait_into(ends.far(), outcome));
  auto whole = hello(300, 296);
  whole.resize(305);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ends.settle();
    ASSERT_FALSE(outcome) << i;
    ASSERT_TRUE(ends.near().send(std::span(whole).subspan(i, 1), {}, false));
  }
  ends.run();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ(ends.far().here(), 305U);
}

TEST(ClientHello, that_breaks_off_is_told) {
  connected ends;
  std::optional<result<void>> outcome;
  ends.start(wait_into(ends.far(), outcome));
  ASSERT_TRUE(ends.near().send(hello(300, 296), {}, false));
  ends.settle();
  ASSERT_FALSE(outcome);
  ends.near().end_sending();
  ends.run();
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code, errc::broken_stream);
}

TEST(ClientHello, to_a_plain_server_is_answered_so_that_a_client_can_say_why) {
  connected ends;
  const auto client = *tls_client::make();
  handshakes done;
  std::optional<result<void>> came;
  ends.start(connect_into(ends.near(), *client, "localhost", alpn_native, done.client));
  ends.start(wait_into(ends.far(), came));
  ends.settle();
  ASSERT_TRUE(came && *came);
  send_alert(ends.far(), tls_alert::handshake_failure);
  ends.far().close();
  ends.run();
  ASSERT_FALSE(done.client);
  EXPECT_EQ(done.client.error().code, errc::not_allowed);
  EXPECT_THAT(done.client.error().context, testing::HasSubstr("handshake failure"));
}

}  // namespace
}  // namespace sluice::net
