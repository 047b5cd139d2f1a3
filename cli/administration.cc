#include "cli/administration.h"

#include <CLI/CLI.hpp>
#include <ctime>

#include "cli/keys.h"
#include "cli/printer.h"

namespace sluice::cli {
namespace {

result<std::string> hash_of(const base::secret& password) {
  return password.empty() ? result<std::string>() : access::hash_password(password);
}

// What the record calls these changes is what http/api_accounts calls them.
class in_a_folder final : public administration {
 public:
  explicit in_a_folder(server::accounts_folder folder) : folder_(std::move(folder)) {}

  result<std::vector<access::account_facts>> accounts() override {
    return folder_.table().accounts();
  }
  result<void> add_account(const std::string& name, const base::secret& password,
                           const std::vector<access::grant>& grants) override {
    const auto hash = hash_of(password);
    if (!hash) return std::unexpected(hash.error());
    return noted("add account", name, folder_.table().add_account(name, *hash, grants));
  }
  result<void> set_password(const std::string& name, const base::secret& password) override {
    const auto hash = access::hash_password(password);
    if (!hash) return std::unexpected(hash.error());
    return noted("set password", name, folder_.table().set_password(name, *hash));
  }
  result<void> put_grant(const std::string& name, const access::grant& what) override {
    return noted("grant", name, folder_.table().put_grant(name, what));
  }
  result<void> set_limits(const std::string& name, const base::budget_limits& limits) override {
    return noted("limit", name, folder_.table().set_limits(name, limits));
  }
  result<void> remove_account(const std::string& name) override {
    return noted("remove account", name, folder_.table().remove_account(name));
  }
  result<std::vector<access::token_facts>> tokens() override { return folder_.table().tokens(); }
  result<token_reply> add_token(const token_request& wanted) override {
    access::token_wish wish{.account = wanted.account, .label = wanted.label};
    if (wanted.scope) wish.scope = *wanted.scope;
    if (wanted.lifetime_s) wish.expires_s = std::time(nullptr) + *wanted.lifetime_s;
    auto made = noted("make token", wanted.account, folder_.table().add_token(wish));
    if (!made) return std::unexpected(made.error());
    return token_reply{made->id, std::move(made->text)};
  }
  result<void> revoke_token(const std::string& id) override {
    return noted("revoke token", id, folder_.table().revoke_token(id));
  }

 private:
  template <class T>
  result<T> noted(std::string_view what, const std::string& whom, result<T> outcome) const {
    folder_.note(what, whom, outcome ? std::nullopt : std::optional(outcome.error().code));
    return outcome;
  }

  server::accounts_folder folder_;
};

}  // namespace

void add_administration_flags(CLI::App& app, administration_flags& flags) {
  auto* data = app.add_option("--data", flags.data,
                              "The data folder of a server that is stopped: .sluice in the served "
                              "folder, or what it has for --data.")
                   ->type_name("DIR");
  app.add_option("--server", flags.server,
                 "A server that runs, by its address: what is done is in force at once. It needs "
                 "the right to administer it (\"sluice login\", SLUICE_TOKEN).")
      ->type_name("URL")
      ->excludes(data);
  add_reach_flags(app, flags.reach);
}

result<std::unique_ptr<administration>> administration::open(const administration_flags& flags,
                                                             printer& out) {
  if (flags.data.empty() && flags.server.empty()) {
    return fail(errc::invalid_argument,
                "find the accounts: --data names the data folder of a server that is stopped, "
                "--server the address of one that runs");
  }
  if (!flags.data.empty()) {
    auto opened = server::accounts_folder::open(flags.data);
    if (!opened) return std::unexpected(opened.error());
    return std::make_unique<in_a_folder>(std::move(*opened));
  }
  auto server = client::parse_any(flags.server);
  if (!server) return std::unexpected(server.error());
  client::session_options options;
  apply(flags.reach, options, out);
  auto keys = find_keys();
  if (!keys) return std::unexpected(keys.error());
  options.keys = std::move(*keys);
  return administer(std::move(*server), std::move(options));
}

}  // namespace sluice::cli
