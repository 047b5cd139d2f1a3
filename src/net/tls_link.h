// One connection's TLS (RFC 8446, RFC 5246), by OpenSSL, right on the descriptor of the socket.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/error.h"

namespace sluice::net {

struct ssl_deleter {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_deleter>;

// Owned by a stream, which owns the descriptor and looks that it is open before each call. One
// thread. No operation waits; 0 and nullopt mean as they do in `stream`.
//
// OpenSSL reads the socket itself, a record at a time, so what is received is copied once, and
// between two operations it holds nothing but a record that is not whole, or that was not taken,
// and the head of the next.
// Records that go out are gathered, up to four, for one call to the kernel. What the kernel has no
// room for is kept here, at most that much; so OpenSSL never has half a record to send, which it
// could not bear together with a key update (RFC 8446, 4.6.3). Buffers exist while there is
// something in them.
class tls_link {
 public:
  enum class role : std::uint8_t { client, server };
  enum class step : std::uint8_t { done, wants_to_receive, wants_to_send };

  // Errors: internal (no memory).
  [[nodiscard]] static result<std::unique_ptr<tls_link>> make(SSL_CTX* context, int fd, role as);
  ~tls_link();
  tls_link(const tls_link&) = delete;
  tls_link& operator=(const tls_link&) = delete;

  // To be called again when the socket is ready, until done. Errors: not_allowed with what is wrong
  // (also where the peer speaks no TLS), broken_stream, end_of_stream.
  [[nodiscard]] result<step> handshake();

  [[nodiscard]] result<std::size_t> receive(std::span<std::byte> into);
  [[nodiscard]] result<std::optional<std::byte>> peek();
  [[nodiscard]] result<std::size_t> send(std::span<const std::span<const std::byte>> pieces,
                                         bool more);
  [[nodiscard]] result<std::size_t> send_file(int fd, std::uint64_t offset,
                                              std::uint64_t size_bytes);
  void close_notify() noexcept;

  // Content that is decrypted and was not taken.
  [[nodiscard]] std::size_t decrypted() const noexcept;

  // How many bytes the kernel must hold at least so that `count` more can be decrypted than are.
  [[nodiscard]] std::size_t on_the_wire(std::size_t count) const noexcept;

  // Bytes of the socket so far.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

  // "sluice/1", "http/1.1", or empty where none was agreed on (RFC 7301). After the handshake.
  [[nodiscard]] std::string protocol() const;
  // "TLSv1.3, TLS_AES_128_GCM_SHA256", for the log.
  [[nodiscard]] std::string description() const;
  [[nodiscard]] bool is_resumed() const noexcept;

  [[nodiscard]] SSL* ssl() noexcept { return ssl_.get(); }

  // Lives as long as this does.
  void keep(std::shared_ptr<const void> companion) noexcept { companion_ = std::move(companion); }

 private:
  tls_link(ssl_ptr ssl, int fd) : ssl_(std::move(ssl)), fd_(fd) {}

  // What OpenSSL calls to reach the socket.
  static BIO_METHOD* method();
  static int read_socket(BIO* bio, char* into, int size);
  static int write_socket(BIO* bio, const char* bytes, int size);
  static long control(BIO* bio, int command, long number, void* pointer);

  [[nodiscard]] ssize_t receive_raw(std::span<std::byte> into) noexcept;
  [[nodiscard]] std::size_t take_next_head(std::span<std::byte> into) noexcept;
  void count_records(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] result<bool> flush();
  [[nodiscard]] result<void> pass_on(std::span<const std::byte> records, bool more);
  [[nodiscard]] result<void> encrypt(std::span<const std::byte> content, bool more);
  [[nodiscard]] result<std::size_t> write(std::span<const std::byte> content, bool more);
  [[nodiscard]] std::size_t take_credit(std::size_t most) noexcept;
  [[nodiscard]] std::unexpected<error> failure(int outcome, const char* what);

  ssl_ptr ssl_;
  const int fd_;
  std::shared_ptr<const void> companion_;
  std::optional<error> failure_;  // the first; there is nothing behind it
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  int socket_errno_ = 0;
  bool at_end_ = false;  // of the socket
  bool gathers_ = false;
  bool shook_hands_ = false;
  bool said_goodbye_ = false;

  std::vector<std::byte> unsent_;  // records that the kernel had no room for
  std::size_t unsent_begin_ = 0;
  std::size_t credit_ = 0;  // content in them, which the sender is told of when they are gone

  // Of the record that is being received: bytes of its head so far, and of its body at all and
  // still to come.
  std::uint8_t head_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t body_left_ = 0;

  // What was received of the record behind the one that OpenSSL takes; in the space below.
  std::span<const std::byte> next_head_;
  std::array<std::byte, SSL3_RT_HEADER_LENGTH> next_head_space_{};
};

// What the OpenSSL of this thread has to say of the last failure, and forgets then.
[[nodiscard]] std::string take_tls_trouble();

}  // namespace sluice::net
