// What all connections of one side share: OpenSSL's settings.
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "sluice/error.h"

namespace sluice::net {

struct context_deleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using context_ptr = std::unique_ptr<SSL_CTX, context_deleter>;

inline constexpr const char* alpn_native = "sluice/1";  // RFC 7301
inline constexpr const char* alpn_http = "http/1.1";

// TLS 1.3 and 1.2 with nothing but forward secrecy and authenticated encryption (Mozilla's
// intermediate list without DHE); no compression, no renegotiation, no early data; buffers exist
// while there is something in them. internal: OpenSSL says what.
[[nodiscard]] result<context_ptr> make_context(const SSL_METHOD* method);

}  // namespace sluice::net
