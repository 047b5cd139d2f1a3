// A connected TCP socket, plain or inside TLS: what both protocols receive from and send to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

class tls_link;

// Bytes that lie in several places.
using byte_pieces = std::span<const std::span<const std::byte>>;

// Owns the socket, which is in non-blocking mode (see tune). Movable while nobody waits. One
// thread; one coroutine receives and one sends at the same time. No operation waits: who got 0
// waits with readable() or writable() and calls again, a sender with the same bytes.
//
// Errors of all operations: end_of_stream (the peer ended its side; inside TLS by close_notify, RFC
// 8446, 6.1), broken_stream (reset, cut off, or what is no TLS), io, cancelled (closed by us).
class stream {
 public:
  static constexpr std::size_t pieces_max = 64;  // to one call of send

  explicit stream(tcp_socket socket) noexcept;
  stream(stream&& other) noexcept;
  ~stream();
  stream& operator=(stream&&) = delete;

  // For options and addresses.
  [[nodiscard]] tcp_socket& socket() noexcept { return socket_; }
  [[nodiscard]] const tcp_socket& socket() const noexcept { return socket_; }
  [[nodiscard]] executor get_executor() noexcept { return socket_.get_executor(); }

  // From here on all goes through `link`, which begins with the handshake (net/tls_handshake.h).
  void start_tls(std::unique_ptr<tls_link> link) noexcept;
  [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }
  [[nodiscard]] tls_link& tls() noexcept { return *tls_; }

  // --- receiving ---

  // 0: nothing there now.
  [[nodiscard]] result<std::size_t> receive(std::span<std::byte> into);

  // The next byte, which stays where it is; nullopt: nothing there now.
  [[nodiscard]] result<std::optional<std::byte>> peek();

  // Receives and drops what is there, up to a limit, without looking at it: how much it was. For
  // the end of a connection: nothing but this is received from then on.
  [[nodiscard]] result<std::size_t> drop();

  // Bytes that can be received for sure: in the kernel; inside TLS those that are decrypted.
  [[nodiscard]] std::size_t here() const noexcept;

  // Whether anything can be received now. Inside TLS this decrypts the next record.
  [[nodiscard]] bool has_more();

  // Whether `count` bytes are here, as far as a look at the kernel tells: inside TLS a peer that
  // sends smaller records than it might has sent less.
  [[nodiscard]] bool seems_here(std::size_t count) const noexcept;

  // Before `co_await readable()`: that one ends when about `count` bytes are here, at least one, or
  // as many as the kernel is willing to hold. False: they are here, and there is nothing to wait
  // for.
  [[nodiscard]] bool begin_wait(std::size_t count) noexcept;
  template <class Token>
  auto async_readable(Token&& token) {
    return socket_.async_wait(tcp_socket::wait_read, std::forward<Token>(token));
  }
  [[nodiscard]] auto readable() { return async_readable(as_tuple); }

  // Not inside TLS, and for bytes that are not here yet: waits and receives in one, with a call of
  // the system less than readable() takes. To be told to count_received() when it is over.
  [[nodiscard]] auto receive_next(std::span<std::byte> into) {
    set_low_water(1);
    return socket_.async_receive(asio::buffer(into.data(), into.size()), as_tuple);
  }
  void count_received(std::size_t bytes) noexcept { received_ += bytes; }

  // Nothing more comes from the peer, and all that came was received.
  [[nodiscard]] bool peer_ended();

  // Bytes from the network so far, also those that only the kernel holds; inside TLS as they were
  // on the wire.
  [[nodiscard]] std::uint64_t arrived() const noexcept;

  // --- sending ---

  // Up to pieces_max pieces, one behind the other: how many bytes were taken; 0: the kernel has no
  // room. `more` follows at once: the kernel may wait for it.
  [[nodiscard]] result<std::size_t> send(byte_pieces pieces, bool more);
  [[nodiscard]] result<std::size_t> send(std::span<const std::byte> first,
                                         std::span<const std::byte> second, bool more);

  // From the page cache: sendfile(2), or encrypted from a buffer of the thread. On this thread, so
  // the bytes are to be in memory. Besides: changed, the file ends before.
  [[nodiscard]] result<std::size_t> send_file(int fd, std::uint64_t offset,
                                              std::uint64_t size_bytes);

  template <class Token>
  auto async_writable(Token&& token) {
    return socket_.async_wait(tcp_socket::wait_write, std::forward<Token>(token));
  }
  [[nodiscard]] auto writable() { return async_writable(as_tuple); }

  // Bytes that the peer's kernel acknowledged; inside TLS as they were on the wire.
  [[nodiscard]] std::uint64_t delivered() const noexcept;

  // --- the end ---

  // Tells a peer that knows TLS that nothing follows, and that this is no accident. Once.
  void close_notify() noexcept;
  // That, and the end of our side of the TCP connection.
  void end_sending() noexcept;
  // Whoever waits is woken, and nothing goes any more, either way. The descriptor stays.
  void cut() noexcept;
  void cancel() noexcept;
  void close() noexcept;

 private:
  [[nodiscard]] std::size_t in_kernel() const noexcept;
  void set_low_water(std::size_t count) noexcept;
  [[nodiscard]] std::uint64_t all_sent() const noexcept;
  void trust_who_takes() noexcept;

  mutable tcp_socket socket_;  // Asio's accessors are not const
  std::unique_ptr<tls_link> tls_;
  std::uint64_t received_ = 0;  // plain
  std::uint64_t sent_ = 0;
  std::size_t low_water_ = 1;  // as set on the socket
  bool drops_ = false;
  bool is_trusted_ = false;  // to take what it is sent
};

}  // namespace sluice::net
