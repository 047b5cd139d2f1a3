// A server's side of TLS: its certificate, and the handshake.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "net/stream.h"
#include "net/tls_context.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

struct tls_files {
  std::filesystem::path certificate;  // PEM: the server's, then those between it and a root
  std::filesystem::path key;          // PEM, without a passphrase
};

// Owned by the server, shared by all threads. A handshake takes what is loaded when it begins.
class tls_server {
 public:
  // Blocks. not_found, not_allowed, invalid_argument: a file cannot be read or used; it is named.
  [[nodiscard]] static result<std::unique_ptr<tls_server>> open(const tls_files& files);

  // Reads the files anew. On an error, what was loaded before stays. Blocks.
  [[nodiscard]] result<void> reload();

  // Of the certificate that is shown (see tls_certificate.h).
  [[nodiscard]] std::string fingerprint() const;

  [[nodiscard]] std::shared_ptr<SSL_CTX> context() const;

 private:
  explicit tls_server(tls_files files) : files_(std::move(files)) {}

  const tls_files files_;
  mutable std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
  std::string fingerprint_;
};

// The handshake with a client whose first byte was that of TLS. `peer` is plain before it and
// inside TLS after it; its tls().protocol() tells what the client wants to speak. A deadline is the
// caller's, who cuts the stream. Errors: those of wait_for_client_hello and tls_link::handshake.
[[nodiscard]] awaitable<result<void>> accept_tls(stream& peer, const tls_server& as);

}  // namespace sluice::net
