#include "net/direct_tls.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "net/client_hello.h"
#include "net/tls_handshake.h"
#include "net/tls_link.h"

namespace sluice::net {
namespace {

// Both digest with SHA-256, and so fit the key.
constexpr const char* ciphers = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr unsigned char aes_128[] = {0x13, 0x01};  // RFC 8446, B.4

// Length and name (RFC 7301, 3.1): what the side that calls is. The one that listens is the other.
constexpr const char* sender_calls = "\x0dsluice-send/1";
constexpr const char* receiver_calls = "\x0dsluice-recv/1";

void free_caller(void*, void* text, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::string*>(text);
}

// Where a connection keeps who called.
int caller_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_caller);
  return index;
}

std::unexpected<error> trouble(std::string_view what) {
  return fail(errc::internal, std::string(what) + ": " + take_tls_trouble());
}

// OpenSSL tells these in its own words only.
error explained(const error& why) {
  if (why.code != errc::not_allowed) return why;
  if (why.context.find("no application protocol") != std::string::npos) {
    return {
        errc::not_allowed,
        "both sides send, or both receive: one runs \"sluice send\", the other \"sluice recv\""};
  }
  return {errc::not_allowed,
          "the other side has not this key, or is no \"sluice send\" or \"sluice recv\" (" +
              why.context + ")"};
}

}  // namespace

result<std::unique_ptr<direct_tls>> direct_tls::make(const direct_key& key, direct_role ours,
                                                     bool listens) {
  auto context = make_context(listens ? TLS_server_method() : TLS_client_method());
  if (!context) return std::unexpected(context.error());
  SSL_CTX* const set = context->get();
  std::unique_ptr<direct_tls> made(new direct_tls(std::move(*context), listens));
  made->key_ = key.derive();
  const bool sends = ours == direct_role::sender;
  made->part_ = sends != listens ? sender_calls : receiver_calls;
  const bool is_set_up =
      SSL_CTX_set_min_proto_version(set, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(set, ciphers) == 1 && SSL_CTX_set_num_tickets(set, 0) == 1 &&
      SSL_CTX_set_app_data(set, made.get()) == 1 && RAND_bytes(made->id_.data(), id_bytes) == 1;
  if (!is_set_up) return trouble("set up TLS");
  SSL_CTX_set_session_cache_mode(set, SSL_SESS_CACHE_OFF);
  // Without the key a server could still show a certificate: there is none that is believed.
  SSL_CTX_set_verify(set, listens ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (listens) {
    SSL_CTX_set_psk_find_session_callback(set, take_caller);
    SSL_CTX_set_alpn_select_cb(set, choose_part, nullptr);
  } else {
    SSL_CTX_set_psk_use_session_callback(set, introduce);
    const auto* part = reinterpret_cast<const unsigned char*>(made->part_.data());
    if (SSL_CTX_set_alpn_protos(set, part, static_cast<unsigned>(made->part_.size())) != 0) {
      return trouble("set up TLS");
    }
  }
  return made;
}

direct_tls::~direct_tls() { OPENSSL_cleanse(key_.data(), key_.size()); }

direct_tls& direct_tls::of(SSL* ssl) {
  return *static_cast<direct_tls*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

SSL_SESSION* direct_tls::session_of(SSL* ssl) const {
  SSL_SESSION* made = SSL_SESSION_new();
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, aes_128);
  if (made != nullptr && cipher != nullptr &&
      SSL_SESSION_set1_master_key(made, key_.data(), key_.size()) == 1 &&
      SSL_SESSION_set_cipher(made, cipher) == 1 &&
      SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION) == 1) {
    return made;
  }
  SSL_SESSION_free(made);
  return nullptr;
}

// That the caller has the key is checked behind this, by OpenSSL. 1 without a session: goes on as
// if there were no key, and ends for want of a certificate.
int direct_tls::take_caller(SSL* ssl, const unsigned char* id, std::size_t size,
                            SSL_SESSION** found) {
  *found = nullptr;
  if (size != id_bytes) return 1;
  auto caller = std::make_unique<std::string>(reinterpret_cast<const char*>(id), size);
  delete static_cast<std::string*>(SSL_get_ex_data(ssl, caller_index()));
  if (SSL_set_ex_data(ssl, caller_index(), caller.get()) != 1) {
    (void)SSL_set_ex_data(ssl, caller_index(), nullptr);
    return 0;
  }
  (void)caller.release();  // goes with `ssl`
  *found = of(ssl).session_of(ssl);
  return *found == nullptr ? 0 : 1;
}

int direct_tls::introduce(SSL* ssl, const EVP_MD*, const unsigned char** id, std::size_t* size,
                          SSL_SESSION** ours) {
  auto& self = of(ssl);
  *id = self.id_.data();
  *size = self.id_.size();
  *ours = self.session_of(ssl);
  return *ours == nullptr ? 0 : 1;
}

int direct_tls::choose_part(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                            const unsigned char* offered, unsigned offered_bytes, void*) {
  const auto& wanted = of(ssl).part_;
  const auto* list = reinterpret_cast<const unsigned char*>(wanted.data());
  const int outcome =
      SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, list,
                            static_cast<unsigned>(wanted.size()), offered, offered_bytes);
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

awaitable<result<void>> direct_tls::begin(stream& peer) {
  if (listens_) {
    const auto came = co_await wait_for_client_hello(peer);
    if (!came) co_return came;
  }
  auto link = tls_link::make(context_.get(), peer.socket().native_handle(),
                             listens_ ? tls_link::role::server : tls_link::role::client);
  if (!link) co_return std::unexpected(link.error());
  peer.start_tls(std::move(*link));
  co_return co_await shake_hands(peer);
}

awaitable<result<std::string>> direct_tls::shake_hands_with(stream& peer) {
  const auto done = co_await begin(peer);
  if (!done) co_return std::unexpected(explained(done.error()));
  SSL* const ssl = peer.tls().ssl();
  // Both callbacks above see to it that there is no other way; and a mistake in them must not let
  // anybody in.
  if (SSL_session_reused(ssl) != 1) co_return fail(errc::not_allowed, "the key was not used");
  if (peer.tls().protocol() != std::string_view(part_).substr(1)) {
    co_return fail(errc::not_allowed, "the other side does not say what it is");
  }
  const auto* caller = static_cast<std::string*>(SSL_get_ex_data(ssl, caller_index()));
  co_return caller == nullptr ? std::string() : *caller;
}

}  // namespace sluice::net
