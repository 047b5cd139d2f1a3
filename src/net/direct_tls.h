// TLS between two sides that have the same key, in place of certificates (docs/wire.md, section 9).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "net/direct_key.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

enum class direct_role : std::uint8_t { sender, receiver };

// TLS 1.3 with the key as an external pre-shared key together with ECDHE (RFC 8446, 2.2): whoever
// completes the handshake has it, on either side; who has it later cannot read what was said. There
// are no certificates and no tickets. Owned by a door; outlives its connections. One thread.
class direct_tls {
 public:
  // internal: OpenSSL says what.
  [[nodiscard]] static result<std::unique_ptr<direct_tls>> make(const direct_key& key,
                                                                direct_role ours, bool listens);
  direct_tls(const direct_tls&) = delete;
  direct_tls& operator=(const direct_tls&) = delete;
  ~direct_tls();

  // The handshake; `peer` is plain before it and inside TLS after it. To the side that listens it
  // tells who called: a text that is the same for all connections of one run of a program, and
  // another one for another. A deadline is the caller's, who cuts the stream.
  //   not_allowed: the other side has not this key, or plays our own part; end_of_stream,
  //   broken_stream, cancelled
  [[nodiscard]] awaitable<result<std::string>> shake_hands_with(stream& peer);

 private:
  direct_tls(context_ptr context, bool listens) : context_(std::move(context)), listens_(listens) {}
  [[nodiscard]] awaitable<result<void>> begin(stream& peer);

  static constexpr std::size_t id_bytes = 16;
  static direct_tls& of(SSL* ssl);
  [[nodiscard]] SSL_SESSION* session_of(SSL* ssl) const;
  static int take_caller(SSL* ssl, const unsigned char* id, std::size_t size, SSL_SESSION** found);
  static int introduce(SSL* ssl, const EVP_MD* wanted, const unsigned char** id, std::size_t* size,
                       SSL_SESSION** ours);
  static int choose_part(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                         const unsigned char* offered, unsigned offered_bytes, void*);

  context_ptr context_;
  const bool listens_;
  direct_key::pre_shared key_{};
  std::array<unsigned char, id_bytes> id_{};  // of this run
  std::string part_;                          // of the side that calls, as ALPN has it
};

}  // namespace sluice::net
