// For the tests of streams and listeners: a blocking peer on plain sockets, and a way to run a
// coroutine to its end.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "sluice/frame_stream.h"

namespace sluice::testing {

// Long enough for the slowest machine, short enough to see that something hangs.
inline constexpr std::chrono::seconds patience{20};

// One frame of the default format.
inline std::string framed(std::string_view content) {
  const auto size = static_cast<std::uint32_t>(content.size());
  const char head[] = {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                       static_cast<char>(size >> 8), static_cast<char>(size)};
  return std::string(head, 4) + std::string(content);
}

inline std::string text_of(const result<frame>& got) {
  return got ? std::string(as_text(*got)) : "ERROR " + got.error().message();
}

// The other end of a connection: blocking calls, as a program of another kind would make them.
class plain_peer {
 public:
  explicit plain_peer(int socket) : socket_(socket) {
    const timeval limit{patience.count(), 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  // Connects to 127.0.0.1.
  static plain_peer to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0)
        << std::system_category().message(errno);
    return plain_peer(socket);
  }
  plain_peer(plain_peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  plain_peer& operator=(plain_peer&&) = delete;
  ~plain_peer() { leave(); }

  void send(std::string_view bytes) const {
    ASSERT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Up to `size` bytes: fewer only at the end.
  [[nodiscard]] std::string receive(std::size_t size) const {
    std::string got(size, '\0');
    std::size_t at = 0;
    while (at < size) {
      const ssize_t more = recv(socket_, got.data() + at, size - at, 0);
      if (more <= 0) break;
      at += static_cast<std::size_t>(more);
    }
    got.resize(at);
    return got;
  }
  [[nodiscard]] bool at_end() const {
    char byte = 0;
    return recv(socket_, &byte, 1, 0) == 0;
  }
  [[nodiscard]] bool was_reset() const {
    char byte = 0;
    return recv(socket_, &byte, 1, 0) < 0 && errno == ECONNRESET;
  }
  void end() const { ::shutdown(socket_, SHUT_WR); }
  void leave() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }
  void reset() {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    leave();
  }
  [[nodiscard]] int handle() const { return socket_; }

 private:
  int socket_;
};

// A coroutine under way, and what it came to.
template <class T>
struct outcome {
  std::optional<T> value;
  std::exception_ptr thrown;
  [[nodiscard]] bool done() const { return value.has_value() || thrown; }
};

class stream_test : public ::testing::Test {
 protected:
  // Starts it; it runs as the io_context runs.
  template <class T>
  std::shared_ptr<outcome<T>> start(awaitable<T> coroutine) {
    auto state = std::make_shared<outcome<T>>();
    asio::co_spawn(io, std::move(coroutine), [state](std::exception_ptr thrown, T value) {
      state->thrown = thrown;
      if (!thrown) state->value.emplace(std::move(value));
    });
    return state;
  }
  template <class T>
  T finish(const std::shared_ptr<outcome<T>>& state) {
    run_until([&] { return state->done(); });
    if (state->thrown) std::rethrow_exception(state->thrown);
    return std::move(state->value.value());
  }
  template <class T>
  T run(awaitable<T> coroutine) {
    return finish(start(std::move(coroutine)));
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + patience;
    io.restart();
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << "what was waited for did not happen";
      if (io.run_one_for(std::chrono::milliseconds(100)) == 0) io.restart();
    }
  }
  // Runs what can run without waiting.
  void settle() {
    io.restart();
    while (io.poll() != 0) {
    }
  }

  // A connection over loopback: a plain peer, and the socket of a stream.
  std::pair<plain_peer, tcp_socket> connected(int send_buffer = 0, int receive_buffer = 0) {
    tcp_acceptor acceptor(io.get_executor(), {asio::ip::address_v4::loopback(), 0});
    const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer != 0)
      setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const auto address = acceptor.local_endpoint();
    EXPECT_EQ(connect(peer, address.data(), static_cast<socklen_t>(address.size())), 0);
    tcp_socket socket = acceptor.accept(io);
    if (send_buffer != 0) socket.set_option(asio::socket_base::send_buffer_size(send_buffer));
    return {plain_peer(peer), std::move(socket)};
  }

  static awaitable<result<std::string>> read_text(frame_stream& stream) {
    auto got = co_await stream.read();
    if (!got) co_return std::unexpected(got.error());
    co_return std::string(as_text(*got));
  }
  static awaitable<result<void>> write_text(frame_stream& stream, std::string text) {
    auto sent = co_await stream.write(text);
    co_return sent;
  }
  std::string read_now(frame_stream& stream) {
    auto got = run(read_text(stream));
    return got ? *got : "ERROR " + got.error().message();
  }
  errc read_error(frame_stream& stream) {
    auto got = run(read_text(stream));
    EXPECT_FALSE(got) << *got;
    return got ? errc::internal : got.error().code;
  }

  asio::io_context io;
};

}  // namespace sluice::testing
