// The one connection of a plain transfer, with a watchdog.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "sluice/host_port.h"

namespace sluice::client {

// Owns its socket. One coroutine, on the thread that runs `io`. Errors tell only the cause; the
// caller puts in front what was attempted. Common to all: cancelled (after abort), timed_out
// (nothing moved for `timeout`), broken_stream (reset). After an error only the destructor may
// follow.
class plain_link {
 public:
  plain_link(asio::io_context& io, std::chrono::milliseconds timeout);

  // cannot_connect: no address of the host accepted within the timeout.
  [[nodiscard]] awaitable<result<void>> connect(const host_port& where);

  // Waits for one connection, without a bound, and stops listening. cannot_listen.
  [[nodiscard]] awaitable<result<void>> accept(
      const host_port& where, const std::function<void(const std::string&)>& on_listening);

  // 0: the peer has ended its side.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::byte> into);

  // `more`: the kernel may hold the bytes back for those that follow.
  [[nodiscard]] awaitable<result<void>> write(std::span<const std::byte> bytes, bool more);

  // Sends at most `count` bytes of a file with sendfile(2). 0: the file ends at `offset`.
  [[nodiscard]] awaitable<result<std::size_t>> send_file(int fd, std::uint64_t offset,
                                                         std::size_t count);

  // Ends our side and waits until the peer's system has acknowledged every byte and the peer has
  // closed. A peer that has all bytes and leaves the connection open is no error: after `patience`
  // the wait is over.
  [[nodiscard]] awaitable<result<void>> finish(std::chrono::milliseconds patience);

  // Changes the bound on standstill for what follows.
  void set_timeout(std::chrono::milliseconds timeout) noexcept { timeout_ = timeout; }

  // Ends whatever waits, with `cancelled`. On the thread that runs `io`.
  void abort() noexcept;

  // "127.0.0.1:40001"; before the connection stands, what was asked for.
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }

 private:
  void arm();
  void close() noexcept;
  void connected();
  [[nodiscard]] std::unexpected<error> failed(const boost::system::error_code& why) const;
  [[nodiscard]] int unacknowledged() noexcept;
  [[nodiscard]] result<bool> has_ended();

  asio::ip::basic_resolver<asio::ip::tcp, executor> resolver_;
  tcp_acceptor acceptor_;
  tcp_socket socket_;
  steady_timer watchdog_;
  steady_timer pause_;
  std::chrono::milliseconds timeout_;
  std::string peer_;
  bool stopped_ = false;
  bool timed_out_ = false;
};

}  // namespace sluice::client
