#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/keys.h"
#include "cli/links.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"

namespace sluice::cli {
namespace {

struct login_flags {
  std::string url;
  std::string account;
  bool changes_password = false;
  bool forget = false;
  reach_flags reach;
  output_flags output;
};

// A whole link is taken, too: what stands behind its "#key=" or "#link=".
base::secret token_in(const base::secret& typed) {
  auto text = typed.reveal();
  for (const std::string_view mark : {"#key=", "#link="}) {
    const auto at = text.find(mark);
    if (at != std::string_view::npos) text.remove_prefix(at + mark.size());
  }
  const auto begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(begin);
  return base::secret::copy_of(text.substr(0, text.find_first_of(" \t\r")));
}

result<base::secret> find_token(const client::url& server) {
  const auto keys = find_keys();
  if (!keys) return std::unexpected(keys.error());
  // Of the address itself, as it was pasted.
  if (const auto* given = (*keys)->find(server); given != nullptr && was_pasted(server)) {
    return base::secret::copy_of(given->reveal());
  }
  auto typed = read_secret("Token or link for " + server.authority());
  if (!typed) return typed;
  return token_in(*typed);
}

// What is kept, and whose it is.
struct found_key {
  base::secret token;
  std::optional<std::int64_t> expires_s{};
};

// A token that was typed or pasted, once the server knew it.
result<found_key> try_token(const client::url& server, client::session_options& options) {
  auto token = find_token(server);
  if (!token) return std::unexpected(token.error());
  if (token->empty()) return fail(errc::invalid_argument, "log in: there is no token");
  auto keys = std::make_shared<client::keyring>();
  keys->add(server.authority(), base::secret::copy_of(token->reveal()));
  options.keys = std::move(keys);
  const auto known = client::log_in(server, options);
  if (!known) return std::unexpected(known.error());
  return found_key{std::move(*token)};
}

result<found_key> trade_password(const client::url& server, const client::password_login& who,
                                 const client::session_options& options) {
  auto made = client::log_in(server, who, options);
  if (!made) return std::unexpected(made.error());
  return found_key{std::move(made->text), made->expires_s};
}

// Typed twice where nobody sees what is typed.
result<base::secret> ask_new_password() {
  auto typed = read_secret("New password");
  if (!typed) return typed;
  if (typed->empty())
    return fail(errc::invalid_argument, "change the password: the new one is empty");
  if (::isatty(STDIN_FILENO) != 1) return typed;
  const auto again = read_secret("The same again");
  if (!again) return std::unexpected(again.error());
  if (again->reveal() == typed->reveal()) return typed;
  return fail(errc::invalid_argument, "change the password: these are two different ones");
}

result<found_key> try_account(const client::url& server, const login_flags& flags,
                              const client::session_options& options) {
  client::password_login who{.account = flags.account, .password = {}};
  auto password = read_secret("Password of " + flags.account + " at " + server.authority());
  if (!password) return std::unexpected(password.error());
  who.password = std::move(*password);
  if (flags.changes_password) {
    auto changed = ask_new_password();
    if (!changed) return std::unexpected(changed.error());
    who.new_password = std::move(*changed);
  }
  return trade_password(server, who, options);
}

// A link that has a password: that is asked for, and not kept.
result<found_key> try_link(const client::url& server, client::session_options& options) {
  auto place = server;
  if (auto led = find_keys_and_lead(place, options); !led) return std::unexpected(led.error());
  const auto* password = options.keys->password_for(server);
  if (password == nullptr) return try_token(server, options);
  return trade_password(server,
                        {.link = base::secret::copy_of(options.keys->find(server)->reveal()),
                         .password = base::secret::copy_of(password->reveal())},
                        options);
}

result<found_key> find_key(const client::url& server, const login_flags& flags,
                           client::session_options& options) {
  if (!flags.account.empty()) return try_account(server, flags, options);
  return came_by_link(server) ? try_link(server, options) : try_token(server, options);
}

// What a password was traded for ends at the server, too; a token that somebody made goes on.
void end_session(printer& out, const client::url& server, const base::secret& token,
                 client::session_options options) {
  auto keys = std::make_shared<client::keyring>();
  keys->add(server.authority(), base::secret::copy_of(token.reveal()));
  options.keys = std::move(keys);
  const auto ended = client::ask_api(server, "/api/logout", "{}", options);
  if (ended || ended.error().code == errc::not_allowed) return;
  out.on_notice("the server was not told, where a login by password goes on until its end: " +
                ended.error().message());
}

int forget(printer& out, const client::url& server, const client::session_options& options) {
  const auto forgotten = forget_key(server);
  if (!forgotten) return out.failed(forgotten.error());
  if (!forgotten->empty()) end_session(out, server, *forgotten, options);
  return out.done("forgot the token for " + server.authority(), {{"url", server.authority()}});
}

int run_login(const login_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  const auto server = client::parse_any(flags.url);
  if (!server) return out.failed(server.error());
  client::session_options options;
  apply(flags.reach, options, out);
  options.stop = signals.token();
  if (flags.forget) return forget(out, *server, options);
  const auto found = find_key(*server, flags, options);
  // To log in is no advice for who does.
  if (!found && found.error().code == errc::not_allowed) return out.failed(found.error(), "");
  if (!found) return out.failed(found.error());
  const auto kept = keep_key(*server, found->token);
  if (!kept) return out.failed(kept.error());
  nlohmann::ordered_json facts{{"url", server->authority()}};
  std::string until;
  if (found->expires_s) {
    facts["expires_s"] = *found->expires_s;
    until = " until " + human_date(*found->expires_s);
  }
  return out.done("logged in to " + server->authority() + until, facts);
}

}  // namespace

runner declare_login(CLI::App& app) {
  describe(app,
           "Keeps a token for a server, so that the other commands can use it. The token, or the "
           "whole link that the server printed, is read from the terminal or from standard input: "
           "never give it on the command line, where others can see it. It is kept in "
           "sluice/credentials in $XDG_CONFIG_HOME or ~/.config, which only you can read. With "
           "--account a password is read instead, and traded for a token that ends after 30 days, "
           "or when the password changes; the password is not kept.",
           {{"Type it", "sluice login sluice://nas"},
            {"From a file", "sluice login sluice://nas < token"},
            {"With the password of an account", "sluice login --account anna sluice://nas"},
            {"And with another one from then on",
             "sluice login --account anna --change-password sluice://nas"}});
  auto flags = std::make_shared<login_flags>();
  app.add_option("URL", flags->url, "The server.")->required();
  auto* account =
      app.add_option("--account", flags->account, "Whose password is read, in place of a token.")
          ->type_name("NAME");
  app.add_flag("--change-password", flags->changes_password,
               "With --account: a new password is read, too, and is the account's from then on. "
               "All its other logins by password end.")
      ->needs(account);
  app.add_flag(
      "--forget", flags->forget,
      "Forget the token for this server instead; what a password was traded for ends there, too.");
  add_timeout_flag(app, flags->reach.timeout_s);
  add_security_flags(app, flags->reach.security);
  add_output_flags(app, flags->output);
  return [flags] { return run_login(*flags); };
}

}  // namespace sluice::cli
