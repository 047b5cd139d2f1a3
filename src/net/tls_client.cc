#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <vector>

#include "net/tls_certificate.h"
#include "net/tls_handshake.h"
#include "net/tls_link.h"

namespace sluice::net {
namespace {

// The length and the name, as RFC 7301, 3.1 has it.
bool offer(SSL* ssl, std::string_view protocol) {
  std::vector<unsigned char> list{static_cast<unsigned char>(protocol.size())};
  list.insert(list.end(), protocol.begin(), protocol.end());
  return SSL_set_alpn_protos(ssl, list.data(), static_cast<unsigned>(list.size())) == 0;
}

bool expect_name(SSL* ssl, const std::string& host) {
  boost::system::error_code no_address;
  (void)boost::asio::ip::make_address(host, no_address);
  if (!no_address) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  return SSL_set1_host(ssl, host.c_str()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(host.c_str())) == 1;
}

result<tls_identity> identity_of(SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return fail(errc::not_allowed, "the server has no certificate");
  tls_identity found;
  found.fingerprint = fingerprint_of(*certificate);
  const long verdict = SSL_get_verify_result(ssl);
  found.is_trusted = verdict == X509_V_OK;
  if (!found.is_trusted) found.doubt = X509_verify_cert_error_string(verdict);
  return found;
}

// OpenSSL asks for its own.
struct session_place {
  tls_client* owner;
  std::string key;
};

void free_place(void*, void* place, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<session_place*>(place);
}

int place_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_place);
  return index;
}

}  // namespace

tls_client::tls_client(context_ptr context) : context_(std::move(context)) {
  // Who is not trusted is looked at afterwards, by its fingerprint: the handshake goes on.
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context_.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_.get(), keep_session);
}

result<std::unique_ptr<tls_client>> tls_client::make() {
  auto context = make_context(TLS_client_method());
  if (!context) return std::unexpected(context.error());
  if (SSL_CTX_set_default_verify_paths(context->get()) != 1) {
    return fail(errc::internal, "read the system's certificate authorities: " + take_tls_trouble());
  }
  return std::unique_ptr<tls_client>(new tls_client(std::move(*context)));
}

// Called when a ticket came. 1: the session is ours from now on.
int tls_client::keep_session(SSL* ssl, SSL_SESSION* session) {
  const auto* place = static_cast<session_place*>(SSL_get_ex_data(ssl, place_index()));
  if (place == nullptr) return 0;
  place->owner->sessions_[place->key] = session_ptr(session);
  return 1;
}

result<void> tls_client::prepare(stream& peer, const std::string& host, unsigned port,
                                 const char* protocol) {
  auto link = tls_link::make(context_.get(), peer.socket().native_handle(), tls_link::role::client);
  if (!link) return std::unexpected(link.error());
  SSL* ssl = (*link)->ssl();
  const std::string key = host + " " + std::to_string(port);
  auto place = std::make_unique<session_place>(this, key);
  if (!offer(ssl, protocol) || !expect_name(ssl, host) ||
      SSL_set_ex_data(ssl, place_index(), place.get()) != 1) {
    return fail(errc::internal, "TLS handshake: " + take_tls_trouble());
  }
  (void)place.release();  // goes with `ssl`
  if (const auto known = sessions_.find(key); known != sessions_.end()) {
    (void)SSL_set_session(ssl, known->second.get());  // without it, the handshake is longer
  }
  peer.start_tls(std::move(*link));
  return {};
}

awaitable<result<tls_identity>> tls_client::connect(stream& peer, std::string host, unsigned port,
                                                    const char* protocol) {
  const auto prepared = prepare(peer, host, port, protocol);
  if (!prepared) co_return std::unexpected(prepared.error());
  const auto done = co_await shake_hands(peer);
  if (!done) co_return std::unexpected(done.error());
  co_return identity_of(peer.tls().ssl());
}

}  // namespace sluice::net
