#include "net/tls_server.h"

#include <openssl/err.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "net/client_hello.h"
#include "net/tls_certificate.h"
#include "net/tls_handshake.h"
#include "net/tls_link.h"

namespace sluice::net {
namespace {

constexpr std::string_view session_context = "sluice";

// One that is asked for would wait for a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

// RFC 7301, 3.2: where nothing fits, the connection ends.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
  static constexpr unsigned char ours[] = "\x08sluice/1\x08http/1.1";
  const int outcome = SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, ours,
                                            sizeof ours - 1, offered, offered_bytes);
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

result<void> check_readable(const std::filesystem::path& file, std::string_view what) {
  if (::access(file.c_str(), R_OK) == 0) return {};
  return fail_errno(errno, "read the " + std::string(what) + " " + file.string());
}

result<void> load(SSL_CTX& into, const tls_files& files) {
  if (auto fine = check_readable(files.certificate, "certificate"); !fine) return fine;
  if (auto fine = check_readable(files.key, "key"); !fine) return fine;
  const auto refuse = [](std::string what) {
    return fail(errc::invalid_argument, std::move(what) + ": " + take_tls_trouble());
  };
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(&into, files.certificate.c_str()) != 1) {
    return refuse("use the certificate " + files.certificate.string());
  }
  if (SSL_CTX_use_PrivateKey_file(&into, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(&into) != 1) {
    return refuse("use the key " + files.key.string() + " with " + files.certificate.string());
  }
  return {};
}

}  // namespace

result<std::unique_ptr<tls_server>> tls_server::open(const tls_files& files) {
  std::unique_ptr<tls_server> made(new tls_server(files));
  if (auto loaded = made->reload(); !loaded) return std::unexpected(loaded.error());
  return made;
}

result<void> tls_server::reload() {
  auto made = make_context(TLS_server_method());
  if (!made) return std::unexpected(made.error());
  SSL_CTX& context = **made;
  SSL_CTX_set_default_passwd_cb(&context, no_passphrase);
  if (auto loaded = load(context, files_); !loaded) return loaded;
  // Tickets are all that is needed to go on with a session: nothing is kept here.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&context,
                                 reinterpret_cast<const unsigned char*>(session_context.data()),
                                 static_cast<unsigned>(session_context.size()));
  SSL_CTX_set_num_tickets(&context, 1);
  SSL_CTX_set_max_early_data(&context, 0);
  SSL_CTX_set_alpn_select_cb(&context, choose_protocol, nullptr);
  std::string fingerprint = fingerprint_of(*SSL_CTX_get0_certificate(&context));
  const std::lock_guard lock(mutex_);
  context_ = std::shared_ptr<SSL_CTX>(made->release(), context_deleter());
  fingerprint_ = std::move(fingerprint);
  return {};
}

std::string tls_server::fingerprint() const {
  const std::lock_guard lock(mutex_);
  return fingerprint_;
}

std::shared_ptr<SSL_CTX> tls_server::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

awaitable<result<void>> accept_tls(stream& peer, const tls_server& as) {
  const auto came = co_await wait_for_client_hello(peer);
  if (!came) {
    if (came.error().code == errc::not_allowed) send_alert(peer, tls_alert::decode_error);
    co_return came;
  }
  const auto context = as.context();
  auto link = tls_link::make(context.get(), peer.socket().native_handle(), tls_link::role::server);
  if (!link) co_return std::unexpected(link.error());
  peer.start_tls(std::move(*link));
  co_return co_await shake_hands(peer);
}

}  // namespace sluice::net
