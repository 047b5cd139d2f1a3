#include "client/connect_to.h"

#include <fmt/format.h>
#include <utility>

#include "client/trust.h"
#include "net/path_tuning.h"
#include "net/tls_client.h"
#include "net/watch.h"
#include "sluice/connect.h"

namespace sluice::client {
namespace {

using clock = std::chrono::steady_clock;

// Cuts a connection whose handshake takes too long, or is not wanted any more.
class handshake_limit final : private net::watched {
 public:
  handshake_limit(net::stream& of, const session& owner)
      : of_(of),
        owner_(owner),
        end_(clock::now() + owner.timeout()),
        watch_(of.get_executor(), *this, pause_max) {}

  [[nodiscard]] bool is_over() const { return clock::now() >= end_; }

 private:
  static constexpr std::chrono::milliseconds pause_max{100};
  void look(clock::time_point now) override {
    if (now >= end_ || owner_.stopping()) of_.cut();
  }

  net::stream& of_;
  const session& owner_;
  const clock::time_point end_;
  const net::watch watch_;
};

// What a client logs in with is told to another machine inside TLS only, unless it is meant.
bool needs_tls(const session& owner, const url& server) {
  return !owner.security().plaintext && !is_loopback(server.host) && owner.tells_secrets(server);
}

result<bool> wants_tls(const session& owner, const url& server) {
  const auto& options = owner.security();
  if (options.plaintext && server.always_tls) {
    return fail(errc::invalid_argument, "connect to " + server.text() +
                                            ": this address says TLS, and --plaintext says none");
  }
  if (server.always_tls) return true;
  if (!server.over_http) return !options.plaintext && !is_loopback(server.host);
  if (!needs_tls(owner, server)) return false;
  return fail(errc::insecure,
              "connect to " + server.text() +
                  ": whoever is on the way could read what you log in with, since this address "
                  "says no TLS; https:// says it, and --plaintext that this is meant");
}

// How to reach a server that is plain.
std::string_view plain_form(const url& server) {
  if (server.over_http) return "its address begins with http://";
  if (server.always_tls) return "its address begins with sluice://";
  return "--plaintext says that this is meant";
}

// What did not become TLS, most likely because the server is plain.
error explain(const error& why, const url& server, const session& owner, bool is_late) {
  const std::string what = server.authority() + ": " + why.context;
  if (owner.stopping()) return {errc::cancelled, what};
  if (is_late) return {errc::timed_out, server.authority() + ": wait for the TLS handshake"};
  if (why.code == errc::end_of_stream) return {errc::broken_stream, what};
  if (why.code != errc::not_allowed) return {why.code, what};
  return {errc::insecure,
          what + "; where the server speaks plaintext, " + std::string(plain_form(server))};
}

awaitable<result<void>> secure(session& owner, const url& server, net::stream& peer, speech what) {
  auto* const tls = owner.tls();
  if (tls == nullptr) co_return fail(errc::internal, "set up TLS");
  const char* protocol = what == speech::native ? net::alpn_native : net::alpn_http;
  const handshake_limit limit(peer, owner);
  const auto shown = co_await tls->connect(peer, server.host, server.port, protocol);
  if (!shown) co_return std::unexpected(explain(shown.error(), server, owner, limit.is_over()));
  co_return co_await check_trust(owner, server, *shown);
}

}  // namespace

awaitable<result<net::stream>> connect_to(session& owner, const url& server, speech what) {
  const error stopped{errc::cancelled, "connect to " + server.authority()};
  if (owner.stopping()) co_return std::unexpected(stopped);
  if (owner.door() != nullptr) co_return co_await owner.door()->next();
  const auto with_tls = wants_tls(owner, server);
  if (!with_tls) co_return std::unexpected(with_tls.error());
  connect_options options;
  options.timeout = owner.timeout();
  auto socket = co_await connect_socket({server.host, server.port}, options);
  if (!socket) co_return std::unexpected(std::move(socket.error()));
  if (owner.stopping()) co_return std::unexpected(stopped);
  net::tune(*socket);
  net::stream peer(std::move(*socket));
  if (*with_tls) {
    const auto secured = co_await secure(owner, server, peer, what);
    if (!secured) co_return std::unexpected(secured.error());
  }
  co_return result<net::stream>(std::move(peer));
}

}  // namespace sluice::client
