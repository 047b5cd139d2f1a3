// A client's side of TLS: the handshake, what it showed, and sessions to go on with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "net/stream.h"
#include "net/tls_context.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

// Whom a server says it is. Nothing may be sent to it before somebody judged that.
struct tls_identity {
  std::string fingerprint;  // of its certificate, see tls_certificate.h
  bool is_trusted =
      false;          // the system's authorities vouch for it, under the name it was called by
  std::string doubt;  // why they do not
};

// Owned by one who makes connections, and outlives them. One thread.
class tls_client {
 public:
  // Trusts the system's authorities. internal: OpenSSL says what.
  [[nodiscard]] static result<std::unique_ptr<tls_client>> make();
  tls_client(const tls_client&) = delete;
  tls_client& operator=(const tls_client&) = delete;

  // The handshake with the server at the other end of `peer`, that was called as `host` (a name or
  // an address) on `port`; `protocol` is what is to be spoken (ALPN). A further connection goes on
  // with the session of an earlier one. A deadline is the caller's, who cuts the stream.
  //   not_allowed: it speaks no TLS, or none that fits; broken_stream, end_of_stream, cancelled
  [[nodiscard]] awaitable<result<tls_identity>> connect(stream& peer, std::string host,
                                                        unsigned port, const char* protocol);

 private:
  struct session_deleter {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
  };
  using session_ptr = std::unique_ptr<SSL_SESSION, session_deleter>;

  explicit tls_client(context_ptr context);
  [[nodiscard]] result<void> prepare(stream& peer, const std::string& host, unsigned port,
                                     const char* protocol);
  static int keep_session(SSL* ssl, SSL_SESSION* session);

  context_ptr context_;
  std::map<std::string, session_ptr> sessions_;  // by "host port"; the newest of each
};

}  // namespace sluice::net
