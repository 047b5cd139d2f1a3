// Accounts and tokens, for who may administer the server.
#include <ctime>

#include "access/password.h"
#include "base/limit_names.h"
#include "http/api.h"
#include "http/api_json.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

std::string text_or(const json& object, const char* name, const char* other) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : other;
}

result<access::grant> read_grant(const json& object) {
  const std::string words = text_or(object, "rights", "");
  const auto rights = words == "none" ? base::rights() : access::parse_rights(words);
  if (!rights) return fail(errc::invalid_argument, "read the rights \"" + words + '"');
  return access::grant{text_or(object, "path", ""), *rights};
}

result<std::vector<access::grant>> read_grants(const json& object) {
  std::vector<access::grant> all;
  const auto found = object.find("grants");
  if (found == object.end()) return all;
  if (!found->is_array()) return fail(errc::invalid_argument, "\"grants\" is no list");
  for (const auto& each : *found) {
    auto one = each.is_object() ? read_grant(each) : fail(errc::invalid_argument, "a grant");
    if (!one) return std::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

json grant_json(const access::grant& one) {
  json told;
  told["path"] = one.path;
  told["rights"] = access::to_text(one.what);
  return told;
}

// 0: no limit.
json limits_json(const base::budget_limits& limits, const base::budget_use& used) {
  json told;
  for (const auto& [name, limit] : base::limit_names) told[std::string(name)] = limits.*limit;
  told["bytes"] = used.bytes;
  told["files"] = used.files;
  return told;
}

// What is done on the pool, and what it tells.
using step = result<json> (*)(access::table& accounts, const json& wish);

result<json> done(const result<void>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return json();
}

result<std::string> hash_in(const json& wish) {
  return access::hash_password(base::secret(text_or(wish, "password", "")));
}

result<json> add_account(access::table& accounts, const json& wish) {
  const auto grants = read_grants(wish);
  if (!grants) return std::unexpected(grants.error());
  result<std::string> hash;
  if (wish.contains("password")) hash = hash_in(wish);
  if (!hash) return std::unexpected(hash.error());
  return done(accounts.add_account(text_or(wish, "name", ""), *hash, *grants));
}

result<json> set_password(access::table& accounts, const json& wish) {
  const auto hash = hash_in(wish);
  if (!hash) return std::unexpected(hash.error());
  return done(accounts.set_password(text_or(wish, "name", ""), *hash));
}

result<json> put_grant(access::table& accounts, const json& wish) {
  const auto one = read_grant(wish);
  if (!one) return std::unexpected(one.error());
  return done(accounts.put_grant(text_or(wish, "name", ""), *one));
}

result<json> set_limits(access::table& accounts, const json& wish) {
  base::budget_limits limits;
  for (const auto& [name, limit] : base::limit_names) {
    const auto given = count_of(wish, name);
    if (!given) return std::unexpected(given.error());
    limits.*limit = given->value_or(0);
  }
  return done(accounts.set_limits(text_or(wish, "name", ""), limits));
}

result<json> remove_account(access::table& accounts, const json& wish) {
  return done(accounts.remove_account(text_or(wish, "name", "")));
}

result<json> add_token(access::table& accounts, const json& wish) {
  access::token_wish wanted{.account = text_or(wish, "account", ""),
                            .label = text_or(wish, "label", "")};
  if (wish.contains("rights")) {
    auto scope = read_grant(wish);
    if (!scope) return std::unexpected(scope.error());
    wanted.scope = std::move(*scope);
  }
  const auto expires_s = end_of(wish);
  if (!expires_s) return std::unexpected(expires_s.error());
  wanted.expires_s = *expires_s;
  const auto made = accounts.add_token(wanted);
  if (!made) return std::unexpected(made.error());
  json told;
  told["id"] = made->id;
  told["token"] = made->text.reveal();
  return told;
}

result<json> revoke_token(access::table& accounts, const json& wish) {
  return done(accounts.revoke_token(text_or(wish, "id", "")));
}

// Of whom: the name of an account, or a token's id.
std::string subject_of(const json& wish) {
  return text_or(wish, "name", text_or(wish, "account", text_or(wish, "id", "").c_str()).c_str());
}

result<json> run(const exchange& now, service& shared, step what, std::string_view name,
                 const json& wish) {
  const auto asked = now.permit<base::right::admin>("");
  if (!asked) return std::unexpected(asked.error());
  auto told = what(shared.gate.accounts(), wish);
  shared.gate.accounts().note({.who = now.caller()->name(),
                               .from = now.caller()->from(),
                               .what = name,
                               .path = subject_of(wish),
                               .failed = told ? std::nullopt : std::optional(told.error().code)});
  return told;
}

awaitable<result<void>> change(exchange& now, service& shared, step what, std::string_view name) {
  parsed<json> wish = json();
  const auto came = co_await read_object(now, wish);
  if (!came) co_return came;
  if (!wish) co_return co_await now.refuse(wish.error());
  const auto told = co_await net::on_pool(shared.pool, [&now, &shared, what, name, &wish] {
    return run(now, shared, what, name, *wish);
  });
  if (!told) co_return std::unexpected(told.error());
  if (!told->is_null()) co_return co_await send_json(now, status::created, *told);
  const response fine(status::no_content);
  co_return co_await now.send(fine);
}

}  // namespace

awaitable<result<void>> api_add_account(exchange& now, service& shared) {
  return change(now, shared, add_account, "add account");
}
awaitable<result<void>> api_set_password(exchange& now, service& shared) {
  return change(now, shared, set_password, "set password");
}
awaitable<result<void>> api_grant(exchange& now, service& shared) {
  return change(now, shared, put_grant, "grant");
}
awaitable<result<void>> api_limits(exchange& now, service& shared) {
  return change(now, shared, set_limits, "limit");
}
awaitable<result<void>> api_remove_account(exchange& now, service& shared) {
  return change(now, shared, remove_account, "remove account");
}
awaitable<result<void>> api_add_token(exchange& now, service& shared) {
  return change(now, shared, add_token, "make token");
}
awaitable<result<void>> api_revoke_token(exchange& now, service& shared) {
  return change(now, shared, revoke_token, "revoke token");
}

awaitable<result<void>> api_accounts(exchange& now, service& shared) {
  const auto asked = now.permit<base::right::admin>("");
  if (!asked) co_return std::unexpected(asked.error());
  json told;
  told["accounts"] = json::array();
  for (const auto& one : shared.gate.accounts().accounts()) {
    json each;
    each["name"] = one.name;
    each["password"] = one.has_password;
    each["limits"] = limits_json(one.limits, one.used);
    each["grants"] = json::array();
    for (const auto& grant : one.grants) each["grants"].push_back(grant_json(grant));
    told["accounts"].push_back(std::move(each));
  }
  co_return co_await send_json(now, status::ok, told);
}

awaitable<result<void>> api_tokens(exchange& now, service& shared) {
  const auto asked = now.permit<base::right::admin>("");
  if (!asked) co_return std::unexpected(asked.error());
  json told;
  told["tokens"] = json::array();
  for (const auto& one : shared.gate.accounts().tokens()) {
    json each;
    each["id"] = one.id;
    each["account"] = one.account;
    each["label"] = one.label;
    each["session"] = one.session;
    each["scope"] = grant_json(one.scope);
    each["expires_s"] = one.expires_s ? json(*one.expires_s) : json();
    told["tokens"].push_back(std::move(each));
  }
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace sluice::http
