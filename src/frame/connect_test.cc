#include "sluice/connect.h"

#include <vector>

#include "frame/stream_test.h"
#include "sluice/listener.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

awaitable<void> echo(frame_stream peer) {
  for (;;) {
    auto got = co_await peer.read();
    if (!got) co_return;
    auto sent = co_await peer.write(*got);
    if (!sent) co_return;
  }
}

awaitable<result<std::string>> ask(host_port where, connect_options options = {}) {
  auto peer = co_await connect(where, options);
  if (!peer) co_return std::unexpected(peer.error());
  (void)co_await peer->write("question");
  auto answer = co_await peer->read();
  if (!answer) co_return std::unexpected(answer.error());
  co_return std::string(as_text(*answer));
}

// A listening socket that nobody accepts from, and whose queue is full: who calls it gets no
// answer.
class silent_port {
 public:
  silent_port() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 0), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    fill_.push_back(testing::plain_peer::to(port_));
  }
  silent_port(const silent_port&) = delete;
  silent_port& operator=(const silent_port&) = delete;
  ~silent_port() { ::close(socket_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
  std::vector<testing::plain_peer> fill_;
};

class connect_test : public testing::stream_test {
 protected:
  std::uint16_t closed_port() {
    const listener gone{io, {"127.0.0.1", 0}};
    return gone.local_endpoint().port();
  }
};

TEST_F(connect_test, ReachesAServerByAddressAndByName) {
  listener server{io, {"127.0.0.1", 0}};
  server.serve(echo);
  const auto port = server.local_endpoint().port();
  EXPECT_EQ(run(ask({"127.0.0.1", port})).value(), "question");
  // If localhost is ::1 first, this also goes past an address that refuses.
  EXPECT_EQ(run(ask({"localhost", port})).value(), "question");
}

TEST_F(connect_test, TellsEveryAddressTried) {
  const auto port = std::to_string(closed_port());
  const auto literal = run(ask({"127.0.0.1", closed_port()}));
  ASSERT_FALSE(literal);
  EXPECT_EQ(literal.error().code, errc::cannot_connect);
  EXPECT_NE(literal.error().context.find("(Connection refused)"), std::string::npos);

  asio::ip::tcp::resolver resolver(io);
  const auto entries = resolver.resolve("localhost", "1", asio::ip::tcp::resolver::numeric_service);
  const auto name = run(ask({"localhost", 1}));
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, errc::cannot_connect);
  for (const auto& entry : entries)
    EXPECT_NE(name.error().context.find(to_string(entry.endpoint())), std::string::npos)
        << name.error().context;
}

TEST_F(connect_test, AnAddressThatDoesNotAnswerIsGivenUp) {
  const silent_port silent;
  connect_options options;
  options.attempt_timeout = milliseconds(50);
  const auto begin = clock::now();
  const auto got = run(ask({"127.0.0.1", silent.port()}, options));
  EXPECT_GE(clock::now() - begin, milliseconds(50));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::cannot_connect);
  EXPECT_NE(got.error().context.find("timed out"), std::string::npos) << got.error().context;
}

TEST_F(connect_test, TheWholeTimeIsLimitedToo) {
  const silent_port silent;
  connect_options options;
  options.timeout = milliseconds(50);
  const auto got = run(ask({"127.0.0.1", silent.port()}, options));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::cannot_connect);
}

TEST_F(connect_test, ANameWithoutAnAddress) {
  const auto got = run(ask({std::string(300, 'x'), 1}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::not_found);
  EXPECT_TRUE(got.error().context.starts_with("look up xxx")) << got.error().context;
}

TEST(host_port, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_host_port("localhost:80"), (host_port{"localhost", 80}));
  EXPECT_EQ(parse_host_port("1.2.3.4:65535"), (host_port{"1.2.3.4", 65535}));
  EXPECT_EQ(parse_host_port("[::1]:0"), (host_port{"::1", 0}));
  EXPECT_EQ(parse_host_port(":8080"), (host_port{"", 8080}));
  for (const auto* bad : {"", "localhost", "localhost:", "h:65536", "h:-1", "h:80x", "h: 80", "::1",
                          "::1:80", "[::1]", "[::1]80"}) {
    const auto got = parse_host_port(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().code, errc::invalid_argument);
    EXPECT_NE(got.error().context.find(bad), std::string::npos);
  }
}

TEST(host_port, IsWrittenAsItIsRead) {
  for (const auto* text : {"localhost:80", "1.2.3.4:65535", "[::1]:0", ":8080"})
    EXPECT_EQ(to_string(parse_host_port(text).value()), text);
  EXPECT_EQ(to_string(tcp_endpoint(asio::ip::make_address("::ffff:1.2.3.4"), 5)), "1.2.3.4:5");
  EXPECT_EQ(to_string(tcp_endpoint(asio::ip::make_address("::1"), 5)), "[::1]:5");
}

}  // namespace
}  // namespace sluice
