#include "http/credentials.h"

#include "http/structured_fields.h"
#include "http/syntax.h"
#include "net/address_key.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

constexpr std::size_t basic_bytes_max = 4096;

credentials malformed() { return {.what = credentials::kind::malformed}; }

// "account:password" in Base64; RFC 7617, 2.
credentials read_basic(std::string_view text) {
  if (text.size() > basic_bytes_max) return malformed();
  auto decoded = base64_decode(text);
  if (!decoded) return malformed();
  const auto colon = decoded->find(':');
  credentials found = malformed();
  if (colon != std::string::npos) {
    found.what = credentials::kind::password;
    found.secret = base::secret(decoded->substr(colon + 1));
    found.account = decoded->substr(0, colon);
  }
  base::wipe(*decoded);
  return found;
}

credentials read_authorization(std::string_view text) {
  const auto space = text.find(' ');
  const auto scheme = text.substr(0, space);
  const auto rest = space == std::string_view::npos ? std::string_view() : trim(text.substr(space));
  if (equals_ignoring_case(scheme, "Basic")) return read_basic(rest);
  if (!equals_ignoring_case(scheme, "Bearer") || rest.empty()) return malformed();
  return {.what = credentials::kind::token, .secret = base::secret::copy_of(rest)};
}

// RFC 6265, 5.4: "a=b; c=d".
std::string_view find_cookie(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto end = text.find(';');
    const auto pair = trim(text.substr(0, end));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

std::string_view view_of(const request& asked, std::string_view name) {
  const auto value = asked.fields[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

}  // namespace

credentials read_credentials(const request& asked) {
  if (asked.has("Authorization")) return read_authorization(view_of(asked, "Authorization"));
  if (!asked.has("Cookie")) return {};
  const auto cookie = find_cookie(view_of(asked, "Cookie"), session_cookie(asked.is_tls));
  if (cookie.empty()) return {};
  return {.what = credentials::kind::cookie, .secret = base::secret::copy_of(cookie)};
}

awaitable<access::login> check_password(exchange& now, service& shared, std::string account,
                                        base::secret password) {
  const auto address = net::address_key(now.asked().peer);
  const auto start = [&](const auto& complete) {
    shared.gate.by_password(
        std::move(account), std::move(password), address,
        [complete](access::login who) { complete(std::move(who)); }, now.caller()->from());
  };
  co_return co_await net::from_callback<access::login>(start);
}

awaitable<access::login> check_token(exchange& now, service& shared, const base::secret& token) {
  const base::origin from = now.caller()->from();
  auto who = shared.gate.by_token(token, from);
  if (who || !who.error().must_count) co_return who;
  co_return co_await net::on_pool(
      shared.pool, [&shared, &token, &from] { return shared.gate.by_link(token, from); });
}

awaitable<std::optional<access::denial>> identify(exchange& now, service& shared) {
  using kind = credentials::kind;
  auto said = read_credentials(now.asked());
  if (said.what == kind::none) co_return std::nullopt;
  if (said.what == kind::malformed) {
    access::denial unread{{errc::not_allowed, "read Authorization: it is malformed"}};
    co_return unread;
  }
  access::login who = now.caller();
  // "curl -u SECRET:" for a link without a password.
  const bool is_link = said.what == kind::password && said.secret.empty();
  if (is_link) said.secret = base::secret(std::move(said.account));
  if (said.what == kind::password && !is_link) {
    auto checking = check_password(now, shared, std::move(said.account), std::move(said.secret));
    who = co_await std::move(checking);
  } else {
    auto checking = check_token(now, shared, said.secret);
    who = co_await std::move(checking);
  }
  if (who) {
    now.answer_for(std::move(*who));
  } else if (said.what != kind::cookie) {
    co_return who.error();
  }
  co_return std::nullopt;
}

void add_challenge(response& to, status code, const request& asked) {
  if (code != status::unauthorized) return;
  to.add("WWW-Authenticate",
         asked.has("X-Requested-With")
             ? R"(Bearer realm="sluice")"
             : R"(Bearer realm="sluice", Basic realm="sluice", charset="UTF-8")");
}

response refuse_login(const access::denial& why, const request& asked) {
  auto code = status::unauthorized;
  if (why.why.code == errc::busy) code = status::too_many_requests;
  problem told(code, why.why.message());
  if (why.wants_password) told.members.emplace_back("wants_password", "true");
  response refused(told);
  add_challenge(refused, code, asked);
  if (why.wait.count() > 0) refused.add("Retry-After", std::to_string(why.wait.count()));
  return refused;
}

}  // namespace sluice::http
