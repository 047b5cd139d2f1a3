#include "net/tls_context.h"

#include <openssl/err.h>

#include "net/fast_gcm.h"
#include "net/tls_link.h"

namespace sluice::net {
namespace {

// AES-128 first: it is as good as it needs to be, and the fastest where the processor has it; a
// client without it says so, and is heard (SSL_OP_PRIORITIZE_CHACHA).
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* ciphers_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr long ticket_lifetime_s = 2 * 3600;

}  // namespace

result<context_ptr> make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  context_ptr made(SSL_CTX_new_ex(nullptr, fast_gcm_query(), method));
  const bool is_set_up = made && SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION) == 1 &&
                         SSL_CTX_set_cipher_list(made.get(), ciphers_1_2) == 1 &&
                         SSL_CTX_set_ciphersuites(made.get(), ciphers_1_3) == 1 &&
                         SSL_CTX_set1_groups_list(made.get(), groups) == 1;
  if (!is_set_up) return fail(errc::internal, "set up TLS: " + take_tls_trouble());
  SSL_CTX_set_options(made.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_timeout(made.get(), ticket_lifetime_s);
  return made;
}

}  // namespace sluice::net
