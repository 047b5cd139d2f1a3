// Over the API (docs/api.md, "Accounts, tokens and links").
#include <nlohmann/json.hpp>

#include "base/limit_names.h"
#include "cli/administration.h"

namespace sluice::cli {
namespace {

using json = nlohmann::ordered_json;

std::string text_in(const json& told, const char* name) {
  const auto found = told.find(name);
  return found != told.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_in(const json& told, std::string_view name) {
  const auto found = told.find(name);
  return found != told.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

access::grant grant_in(const json& told) {
  return {text_in(told, "path"),
          access::parse_rights(text_in(told, "rights")).value_or(base::rights())};
}

json json_of(const access::grant& one) {
  return {{"path", one.path},
          {"rights", one.what.is_none() ? std::string("none") : access::to_text(one.what)}};
}

access::account_facts account_in(const json& told) {
  access::account_facts one{.name = text_in(told, "name"),
                            .has_password = told.value("password", false)};
  for (const auto& each : told.value("grants", json::array())) {
    one.grants.push_back(grant_in(each));
  }
  const auto limits = told.value("limits", json::object());
  for (const auto& [name, limit] : base::limit_names) one.limits.*limit = number_in(limits, name);
  one.used = {.bytes = number_in(limits, "bytes"), .files = number_in(limits, "files")};
  return one;
}

access::token_facts token_in(const json& told) {
  access::token_facts one{.id = text_in(told, "id"),
                          .account = text_in(told, "account"),
                          .label = text_in(told, "label"),
                          .session = told.value("session", false),
                          .scope = grant_in(told.value("scope", json::object()))};
  const auto expires = told.find("expires_s");
  if (expires != told.end() && expires->is_number()) one.expires_s = expires->get<std::int64_t>();
  return one;
}

class over_the_wire final : public administration {
 public:
  over_the_wire(client::url server, client::session_options options)
      : server_(std::move(server)), options_(std::move(options)) {}

  result<std::vector<access::account_facts>> accounts() override {
    return list<access::account_facts>("/api/accounts", "accounts", account_in);
  }
  result<void> add_account(const std::string& name, const base::secret& password,
                           const std::vector<access::grant>& grants) override {
    json wish{{"name", name}, {"grants", json::array()}};
    for (const auto& one : grants) wish["grants"].push_back(json_of(one));
    if (!password.empty()) wish["password"] = password.reveal();
    return post("/api/accounts", wish);
  }
  result<void> set_password(const std::string& name, const base::secret& password) override {
    return post("/api/accounts/password", {{"name", name}, {"password", password.reveal()}});
  }
  result<void> put_grant(const std::string& name, const access::grant& what) override {
    json wish = json_of(what);
    wish["name"] = name;
    return post("/api/accounts/grant", wish);
  }
  result<void> set_limits(const std::string& name, const base::budget_limits& limits) override {
    json wish{{"name", name}};
    for (const auto& [limit_name, limit] : base::limit_names)
      wish[std::string(limit_name)] = limits.*limit;
    return post("/api/accounts/limits", wish);
  }
  result<void> remove_account(const std::string& name) override {
    return post("/api/accounts/remove", {{"name", name}});
  }
  result<std::vector<access::token_facts>> tokens() override {
    return list<access::token_facts>("/api/tokens", "tokens", token_in);
  }
  result<token_reply> add_token(const token_request& wanted) override {
    json wish{{"account", wanted.account}, {"label", wanted.label}};
    if (wanted.scope) wish.update(json_of(*wanted.scope));
    if (wanted.lifetime_s) wish["lifetime_s"] = *wanted.lifetime_s;
    auto answer = client::ask_api(server_, "/api/tokens", wish.dump(), options_);
    if (!answer) return std::unexpected(answer.error());
    auto told = json::parse(*answer, nullptr, false);
    base::wipe(*answer);
    if (!told.is_object()) return fail(errc::bad_frame, "make a token: no JSON object came");
    return token_reply{text_in(told, "id"), base::secret(text_in(told, "token"))};
  }
  result<void> revoke_token(const std::string& id) override {
    return post("/api/tokens/revoke", {{"id", id}});
  }

 private:
  [[nodiscard]] result<void> post(const std::string& target, const json& wish) const {
    auto text = wish.dump();
    auto answer = client::ask_api(server_, target, text, options_);
    base::wipe(text);
    return answer ? result<void>() : std::unexpected(answer.error());
  }
  template <class T>
  [[nodiscard]] result<std::vector<T>> list(const std::string& target, const char* name,
                                            T (*read)(const json&)) const {
    const auto answer = client::ask_api(server_, target, std::nullopt, options_);
    if (!answer) return std::unexpected(answer.error());
    const auto told = json::parse(*answer, nullptr, false);
    if (!told.is_object()) return fail(errc::bad_frame, "ask for " + target + ": no JSON came");
    std::vector<T> all;
    for (const auto& each : told.value(name, json::array())) all.push_back(read(each));
    return all;
  }

  const client::url server_;
  const client::session_options options_;
};

}  // namespace

std::unique_ptr<administration> administer(client::url server, client::session_options options) {
  return std::make_unique<over_the_wire>(std::move(server), std::move(options));
}

}  // namespace sluice::cli
