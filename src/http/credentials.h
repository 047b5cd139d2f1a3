// Who asks: what a request says of it.
//
// "Authorization: Bearer TOKEN" (RFC 6750, 2.1), "Authorization: Basic" with an account and its
// password (RFC 7617; a link's secret stands for the account where it has a password), or the
// cookie of a browser that logged in (RFC 6265).
#pragma once

#include <optional>
#include <string>

#include "access/gate.h"
#include "base/secret.h"
#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

// The name of the cookie of a session. Inside TLS the browser itself sees to it that nobody but
// this very host sets it, and that it never goes out unencrypted (RFC 6265bis, 4.1.3.2).
[[nodiscard]] constexpr std::string_view session_cookie(bool is_tls) noexcept {
  return is_tls ? "__Host-sluice-session" : "sluice-session";
}

// A value of a request. Move-only.
struct credentials {
  enum class kind : std::uint8_t { none, token, cookie, password, malformed };
  kind what = kind::none;
  base::secret secret{};  // the token, or the password
  std::string account{};  // with a password
};
[[nodiscard]] credentials read_credentials(const request& asked);

// Answers the exchange for whom the request names. A denial is to be told: a wrong credential is
// not the same as none. A cookie that counts no more is one that was not sent.
awaitable<std::optional<access::denial>> identify(exchange& now, service& shared);

// Of an account or a link.
awaitable<access::login> check_token(exchange& now, service& shared, const base::secret& token);

// On the gate's pool. `account` may be the secret of a link.
awaitable<access::login> check_password(exchange& now, service& shared, std::string account,
                                        base::secret password);

// The response to a refused login: 401 with WWW-Authenticate, 429 or 503 with Retry-After.
[[nodiscard]] response refuse_login(const access::denial& why, const request& asked);
// Says how to log in (RFC 9110, 11.6.1), where `code` is 401. Scripts of a page say so by
// X-Requested-With: to them Basic is not offered, since the browser would ask for it by a window of
// its own.
void add_challenge(response& to, status code, const request& asked);

}  // namespace sluice::http
