#include "server/greeting.h"

#include <algorithm>

#include "base/log.h"
#include "net/client_hello.h"
#include "net/path_tuning.h"
#include "net/tls_link.h"
#include "net/watch.h"

namespace sluice::server {
namespace {

// Closes a connection whose client says nothing.
class silence final : private net::watched {
 public:
  silence(net::stream& client, const native::service& shared)
      : client_(client),
        shared_(shared),
        since_(std::chrono::steady_clock::now()),
        watch_(client.get_executor(), *this, net::pause_for(shared.limits.handshake)) {}

 private:
  void look(std::chrono::steady_clock::time_point now) override {
    if (!shared_.draining && now - since_ < shared_.limits.handshake) return;
    client_.close();
  }

  net::stream& client_;
  const native::service& shared_;
  const std::chrono::steady_clock::time_point since_;
  const net::watch watch_;
};

// Nobody speaks TLS inside TLS.
awaitable<result<greeting>> greet_inside(net::stream& client) {
  const std::string agreed = client.tls().protocol();
  if (agreed == net::alpn_native) co_return greeting{net::protocol::native};
  if (agreed == net::alpn_http) co_return greeting{net::protocol::http};
  const auto spoken = co_await net::which_protocol(client);
  if (!spoken) co_return std::unexpected(spoken.error());
  const bool is_tls = *spoken == net::protocol::tls;
  co_return greeting{is_tls ? net::protocol::unknown : *spoken};
}

}  // namespace

awaitable<result<greeting>> greet(net::stream& client, const net::tls_server* tls,
                                  const native::service& shared) {
  const silence until_it_comes(client, shared);
  net::tune(client.socket());
  const auto spoken = co_await net::which_protocol(client);
  if (!spoken) co_return std::unexpected(spoken.error());
  if (*spoken != net::protocol::tls) co_return greeting{*spoken, tls != nullptr};
  if (tls == nullptr) {
    const auto whole = co_await net::wait_for_client_hello(client);
    if (!whole && whole.error().code != errc::not_allowed) co_return std::unexpected(whole.error());
    net::send_alert(client, net::tls_alert::handshake_failure);
    co_return greeting{net::protocol::tls};
  }
  const auto done = co_await net::accept_tls(client, *tls);
  if (!done) co_return std::unexpected(done.error());
  co_return co_await greet_inside(client);
}

}  // namespace sluice::server
