// Logging in and out of a browser, and who one is.
#include <ctime>
#include <optional>

#include "access/password.h"
#include "http/api.h"
#include "http/api_json.h"
#include "http/credentials.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

constexpr std::int64_t session_s = std::int64_t{30} * 24 * 3600;

std::string text_or_nothing(json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return std::move(found->get_ref<std::string&>());
}

// HttpOnly: no script reads it. SameSite=Strict: no other site sends it.
std::string cookie_of(const request& asked, std::string_view value, std::int64_t max_age_s) {
  return std::string(session_cookie(asked.is_tls)) + "=" + std::string(value) +
         "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(max_age_s) +
         (asked.is_tls ? "; Secure" : "");
}

// What whoever comes by it may know of it.
json link_json(const access::link_facts& one) {
  json told;
  told["id"] = one.id;
  told["does"] = access::name_of_does(one.does);
  told["path"] = one.path;
  told["label"] = one.label;
  told["by"] = one.by;
  told["expires_ms"] = one.expires_s ? json(*one.expires_s * 1000) : json();
  return told;
}

json describe(const exchange& now, service& shared) {
  const auto& who = *now.caller();
  const auto link = shared.gate.accounts().link_of(who);
  const std::string path = link ? link->path : "";
  const std::string name = shared.gate.accounts().name_of(who.id());
  json told;
  told["account"] = name.empty() ? json() : json(name);
  told["has_password"] = shared.gate.accounts().find_password(name).has_value();
  told["link"] = link ? link_json(*link) : json();
  told["path"] = path;
  told["rights"] = access::to_text(who.may(path));
  told["somewhere"] = access::to_text(who.may_below(""));
  return told;
}

// Who has logged in does so again by this.
struct session_token {
  base::secret text;
  std::optional<std::int64_t> expires_s{};
};

// A password is kept nowhere: a token that ends stands for it.
result<session_token> make_session(access::table& accounts, const std::string& account,
                                   const std::string& label) {
  const auto expires_s = std::time(nullptr) + session_s;
  auto made = accounts.add_token(
      {.account = account, .label = label, .expires_s = expires_s, .session = true});
  if (!made) return std::unexpected(made.error());
  return session_token{std::move(made->text), expires_s};
}

result<void> end_sessions(access::gate& gate, const base::caller& who, const base::secret& cookie,
                          bool everywhere) {
  auto& accounts = gate.accounts();
  const auto account = accounts.name_of(who.id());  // none of a link
  if (everywhere && !account.empty()) {
    auto ended = accounts.end_sessions(account);
    if (!ended) return ended;
  }
  return accounts.end_session(cookie);
}

struct login_wish {
  base::secret token;
  base::secret link;
  std::string account;
  base::secret password;
  base::secret new_password;
  std::string label;
  bool by_program = false;  // which keeps the token; else a browser keeps a cookie
};

// Without a wish the request has been refused.
awaitable<result<void>> take_wish(exchange& now, std::optional<login_wish>& into) {
  parsed<json> object = json();
  const auto came = co_await read_object(now, object);
  if (!came) co_return came;
  if (!object) co_return co_await now.refuse(object.error());
  const auto by_program = flag_of(*object, "bearer");
  if (!by_program) co_return co_await now.refuse(by_program.error());
  into.emplace();
  into->by_program = *by_program;
  into->label = text_or_nothing(*object, "label");
  into->token = base::secret(text_or_nothing(*object, "token"));
  into->link = base::secret(text_or_nothing(*object, "link"));
  into->account = text_or_nothing(*object, "account");
  into->password = base::secret(text_or_nothing(*object, "password"));
  into->new_password = base::secret(text_or_nothing(*object, "new_password"));
  const int ways =
      int{!into->token.empty()} + int{!into->link.empty()} + int{!into->account.empty()};
  const bool changes = !into->new_password.empty();
  if (ways == 1 && (!changes || !into->account.empty())) co_return result<void>{};
  into.reset();
  const problem unclear(status::bad_request,
                        "a login has a token, a link, or an account and a password, "
                        "and only an account has a new password");
  co_return co_await now.refuse(unclear);
}

awaitable<access::login> check(exchange& now, service& shared, login_wish& wanted) {
  if (wanted.account.empty() && wanted.password.empty()) {
    auto checking = check_token(now, shared, wanted.link.empty() ? wanted.token : wanted.link);
    co_return co_await std::move(checking);
  }
  std::string account = wanted.account;
  if (!wanted.link.empty()) account = wanted.link.reveal();
  auto checking = check_password(now, shared, std::move(account), std::move(wanted.password));
  co_return co_await std::move(checking);
}

// It may stand in the place of a token, or of an account, too.
base::secret said_link(const login_wish& wanted) {
  if (!wanted.link.empty()) return base::secret::copy_of(wanted.link.reveal());
  if (!wanted.token.empty()) return base::secret::copy_of(wanted.token.reveal());
  return base::secret::copy_of(wanted.account);
}

// The token that was said, or that of a new session.
awaitable<result<session_token>> find_session(const exchange& now, service& shared,
                                              login_wish& wanted) {
  auto& accounts = shared.gate.accounts();
  if (accounts.link_of(*now.caller())) {
    co_return session_token{accounts.session_of_link(said_link(wanted))};
  }
  if (!wanted.token.empty()) co_return session_token{std::move(wanted.token)};
  const std::string label = wanted.label.empty() ? "browser" : wanted.label;
  co_return co_await net::on_pool(shared.pool,
                                  [&] { return make_session(accounts, wanted.account, label); });
}

// Of an account whose password was right. Who it was has no rights any more; who it is now. Blocks.
result<base::caller_ptr> change_password(access::table& accounts, const base::caller& who,
                                         const login_wish& wanted) {
  // The secret of a link may stand in an account's place.
  if (accounts.link_of(who)) return fail(errc::not_allowed, "change the password of a link");
  const auto hash = access::hash_password(wanted.new_password);
  if (!hash) return std::unexpected(hash.error());
  const auto changed = accounts.set_password(wanted.account, *hash);
  if (!changed) return std::unexpected(changed.error());
  const auto kept = accounts.find_password(wanted.account);
  if (!kept) return fail(errc::not_found, "find the account " + wanted.account);
  return accounts.caller_of(*kept, who.from());
}

result<base::caller_ptr> note_change(access::table& accounts, const base::caller& who,
                                     const login_wish& wanted) {
  auto changed = change_password(accounts, who, wanted);
  const auto failure = changed ? std::nullopt : std::optional(changed.error().code);
  accounts.note({.who = who.name(),
                 .from = who.from(),
                 .what = "set password",
                 .path = accounts.name_of(who.id()),
                 .failed = failure});
  return changed;
}

response answer_to_program(json told, const session_token& kept) {
  told["token"] = kept.text.reveal();
  told["token_expires_ms"] = kept.expires_s ? json(*kept.expires_s * 1000) : json();
  response answer(status::ok);
  answer.with(told.dump(), "application/json");
  return answer;
}

response answer_to_browser(const json& told, const session_token& kept, const request& asked) {
  response answer(status::ok);
  answer.add("Set-Cookie", cookie_of(asked, kept.text.reveal(), session_s));
  answer.with(told.dump(), "application/json");
  return answer;
}

awaitable<result<void>> begin_session(exchange& now, service& shared, login_wish& wanted) {
  const auto kept = co_await find_session(now, shared, wanted);
  if (!kept) co_return std::unexpected(kept.error());
  const auto told = describe(now, shared);
  auto answer = wanted.by_program ? answer_to_program(told, *kept)
                                  : answer_to_browser(told, *kept, now.asked());
  answer.add("Cache-Control", "no-store");
  co_return co_await now.send(answer);
}

}  // namespace

awaitable<result<void>> api_login(exchange& now, service& shared) {
  std::optional<login_wish> wanted;
  const auto came = co_await take_wish(now, wanted);
  if (!came || !wanted) co_return came;
  auto who = co_await check(now, shared, *wanted);
  if (!who) {
    const auto refused = refuse_login(who.error(), now.asked());
    co_return co_await now.send(refused);
  }
  now.answer_for(std::move(*who));
  shared.gate.note_login(*now.caller());
  if (!wanted->new_password.empty()) {
    auto changed = co_await net::on_pool(shared.pool, [&now, &shared, &wanted] {
      return note_change(shared.gate.accounts(), *now.caller(), *wanted);
    });
    if (!changed) co_return std::unexpected(changed.error());
    now.answer_for(std::move(*changed));
  }
  co_return co_await begin_session(now, shared, *wanted);
}

awaitable<result<void>> api_logout(exchange& now, service& shared) {
  parsed<json> object = json();
  const auto came = co_await read_object(now, object);
  if (!came) co_return came;
  if (!object) co_return co_await now.refuse(object.error());
  const auto everywhere = flag_of(*object, "everywhere");
  if (!everywhere) co_return co_await now.refuse(everywhere.error());
  const auto said = read_credentials(now.asked());
  const auto ended = co_await net::on_pool(shared.pool, [&] {
    return end_sessions(shared.gate, *now.caller(), said.secret, *everywhere);
  });
  if (!ended) co_return ended;
  response gone(status::no_content);
  gone.add("Set-Cookie", cookie_of(now.asked(), "", 0));
  co_return co_await now.send(gone);
}

awaitable<result<void>> api_me(exchange& now, service& shared) {
  const json told = describe(now, shared);
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace sluice::http
