// Links, for who is logged in to an account: each has its own, and who administers the server all.
#include <ctime>

#include "access/password.h"
#include "http/api.h"
#include "http/api_json.h"
#include "http/credentials.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

using base::right;

std::string text_or_nothing(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The account that the request comes from.
result<std::string> account_of(const exchange& now, const service& shared) {
  const auto& who = *now.caller();
  if (!shared.gate.accounts().name_of(who.id()).empty()) return who.id();
  return fail(errc::not_allowed, "links belong to accounts, and this needs a login to one");
}

json limit_or_null(std::uint64_t limit) { return limit > 0 ? json(limit) : json(); }

json to_json(const access::link_facts& one) {
  json told;
  told["id"] = one.id;
  told["path"] = one.path;
  told["does"] = access::name_of_does(one.does);
  told["label"] = one.label;
  told["by"] = one.by;
  told["made_ms"] = one.created_s * 1000;
  told["expires_ms"] = one.expires_s ? json(*one.expires_s * 1000) : json();
  told["has_password"] = one.has_password;
  told["used"] = one.uses;
  told["max_uses"] = one.max_uses ? json(*one.max_uses) : json();
  told["bytes"] = one.used.bytes;
  told["max_bytes"] = limit_or_null(one.limits.bytes);
  told["files"] = one.used.files;
  told["max_files"] = limit_or_null(one.limits.files);
  told["dead"] = one.dead.empty() ? json() : json(one.dead);
  return told;
}

// The caller may do there what the link is to do.
result<void> check_rights(const exchange& now, const std::string& path, base::rights does) {
  if (does.has(right::take)) {
    const auto taken = now.permit<right::take>(path);
    if (!taken) return std::unexpected(taken.error());
  }
  if (does.has(right::give)) {
    const auto given = now.permit<right::give>(path);
    if (!given) return std::unexpected(given.error());
  }
  return {};
}

result<void> read_limits(const json& wish, access::link_wish& into) {
  const auto max_bytes = count_of(wish, "max_bytes");
  if (!max_bytes) return std::unexpected(max_bytes.error());
  const auto max_files = count_of(wish, "max_files");
  if (!max_files) return std::unexpected(max_files.error());
  const auto max_uses = count_of(wish, "max_uses");
  if (!max_uses) return std::unexpected(max_uses.error());
  const auto rate = count_of(wish, "rate_bytes");
  if (!rate) return std::unexpected(rate.error());
  into.limits = {.bytes = max_bytes->value_or(0),
                 .files = max_files->value_or(0),
                 .rate_bytes = rate->value_or(0)};
  if (*max_uses) into.max_uses = static_cast<std::int64_t>(**max_uses);
  const auto expires_s = end_of(wish);
  if (!expires_s) return std::unexpected(expires_s.error());
  into.expires_s = *expires_s;
  return {};
}

result<access::link_wish> read_wish(const exchange& now, transfer::tree& tree, const json& wish) {
  const auto does = access::parse_does(text_or_nothing(wish, "does"));
  if (!does) return fail(errc::invalid_argument, "\"does\" is \"watch\", \"drop\" or \"both\"");
  if (!wish.contains("path")) return fail(errc::invalid_argument, "\"path\" is missing");
  access::link_wish wanted{.does = *does, .label = text_or_nothing(wish, "label")};
  const auto seen = now.permit<right::see>(text_or_nothing(wish, "path"));
  if (!seen) return std::unexpected(seen.error());
  auto path = store::rel_path::parse(seen->path());
  if (!path) return std::unexpected(path.error());
  wanted.path = path->text();
  if (auto fine = check_rights(now, wanted.path, *does); !fine) {
    return std::unexpected(fine.error());
  }
  const auto there = tree.stat(*seen);
  if (!there) return std::unexpected(there.error());
  if (there->kind == store::entry_kind::file && does->has(right::give)) {
    return fail(errc::invalid_argument, "drop files into /" + wanted.path + ": it is a file");
  }
  wanted.shared = {there->id.dev, there->id.ino, there->id.btime_ns};
  if (auto fine = read_limits(wish, wanted); !fine) return std::unexpected(fine.error());
  base::secret password(text_or_nothing(wish, "password"));
  if (password.empty()) return wanted;
  auto hash = access::hash_password(password);
  if (!hash) return std::unexpected(hash.error());
  wanted.password_hash = std::move(*hash);
  return wanted;
}

std::string url_of(const request& asked, const base::secret& secret) {
  return (asked.is_tls ? "https://" : "http://") + asked.field("Host") +
         "/#link=" + std::string(secret.reveal());
}

void record(const exchange& now, const service& shared, std::string_view what, std::string subject,
            std::optional<errc> failed) {
  shared.gate.accounts().note({.who = now.caller()->name(),
                               .from = now.caller()->from(),
                               .what = what,
                               .path = std::move(subject),
                               .failed = failed});
}

// What follows runs on the pool.
using step = result<json> (*)(const exchange& now, service& shared, const json& wish);

result<json> add(const exchange& now, service& shared, const json& wish) {
  const auto wanted = read_wish(now, shared.tree, wish);
  if (!wanted) return std::unexpected(wanted.error());
  const auto made = shared.gate.accounts().add_link(*now.caller(), *wanted);
  record(now, shared, "make link", wanted->path,
         made ? std::nullopt : std::optional(made.error().code));
  if (!made) return std::unexpected(made.error());
  json told;
  told["id"] = made->id;
  told["secret"] = made->text.reveal();
  told["url"] = url_of(now.asked(), made->text);
  told["path"] = wanted->path;
  told["does"] = access::name_of_does(wanted->does);
  told["label"] = wanted->label;
  told["expires_ms"] = wanted->expires_s ? json(*wanted->expires_s * 1000) : json();
  return told;
}

// Somebody else's is as if it were not there.
result<json> revoke(const exchange& now, service& shared, const json& wish) {
  auto& accounts = shared.gate.accounts();
  const std::string id = text_or_nothing(wish, "id");
  const bool is_own = accounts.account_of_link(id) == now.caller()->id();
  if (!is_own && !now.caller()->may("").has(right::admin)) {
    return fail(errc::not_found, "find the link " + id);
  }
  const auto revoked = accounts.revoke_link(id);
  record(now, shared, "revoke link", id,
         revoked ? std::nullopt : std::optional(revoked.error().code));
  if (!revoked) return std::unexpected(revoked.error());
  return json();
}

awaitable<result<void>> refuse_stranger(exchange& now) {
  response refused(
      problem(status::unauthorized, "links belong to accounts, and this needs a login"));
  add_challenge(refused, status::unauthorized, now.asked());
  co_return co_await now.send(refused);
}

awaitable<result<void>> change(exchange& now, service& shared, step what) {
  if (!now.caller()->is_known()) co_return co_await refuse_stranger(now);
  parsed<json> wish = json();
  const auto came = co_await read_object(now, wish);
  if (!came) co_return came;
  if (!wish) co_return co_await now.refuse(wish.error());
  const auto account = account_of(now, shared);
  if (!account) co_return std::unexpected(account.error());
  const auto told = co_await net::on_pool(
      shared.pool, [&now, &shared, what, &wish] { return what(now, shared, *wish); });
  if (!told) co_return std::unexpected(told.error());
  if (!told->is_null()) co_return co_await send_json(now, status::created, *told);
  const response fine(status::no_content);
  co_return co_await now.send(fine);
}

// A link whose file or folder is another one by now leads nowhere.
json list(const exchange& now, service& shared, const std::string& account) {
  json told;
  told["links"] = json::array();
  const bool sees_all = now.caller()->may("").has(right::admin);
  for (auto& one : shared.gate.accounts().links(sees_all ? "" : account)) {
    const auto seen = now.try_permit<right::see>(one.path);
    if (one.dead.empty() && seen) {
      const auto there = shared.tree.stat(*seen);
      const bool is_there = there && there->id.dev == one.shared.dev &&
                            there->id.ino == one.shared.ino &&
                            there->id.btime_ns == one.shared.btime_ns;
      if (!is_there) one.dead = "what was shared is not there any more";
    }
    told["links"].push_back(to_json(one));
  }
  return told;
}

}  // namespace

awaitable<result<void>> api_add_link(exchange& now, service& shared) {
  return change(now, shared, add);
}
awaitable<result<void>> api_revoke_link(exchange& now, service& shared) {
  return change(now, shared, revoke);
}

awaitable<result<void>> api_links(exchange& now, service& shared) {
  if (!now.caller()->is_known()) co_return co_await refuse_stranger(now);
  const auto account = account_of(now, shared);
  if (!account) co_return std::unexpected(account.error());
  const auto told = co_await net::on_pool(
      shared.pool, [&now, &shared, &account] { return list(now, shared, *account); });
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace sluice::http
