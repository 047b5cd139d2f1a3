#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/keys.h"
#include "cli/printer.h"
#include "cli/stop_signals.h"

namespace sluice::cli {
namespace {

struct login_flags {
  std::string url;
  bool forget = false;
  double timeout_s = 30;
  client::security security;
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

int run_login(const login_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  const auto server = client::parse_any(flags.url);
  if (!server) return out.failed(server.error());
  if (flags.forget) {
    const auto forgotten = keep_key(server->authority(), base::secret());
    if (!forgotten) return out.failed(forgotten.error());
    return out.done("forgot the token for " + server->authority(), {{"url", server->authority()}});
  }
  auto token = find_token(*server);
  if (!token) return out.failed(token.error());
  if (token->empty()) return out.failed({errc::invalid_argument, "log in: there is no token"});
  auto keys = std::make_shared<client::keyring>();
  keys->add(server->authority(), base::secret::copy_of(token->reveal()));
  client::session_options options;
  options.timeout = as_timeout(flags.timeout_s);
  options.security = flags.security;
  out.hear(options);
  options.stop = signals.token();
  options.keys = keys;
  const auto known = client::log_in(*server, options);
  if (!known) return out.failed(known.error());
  const auto kept = keep_key(server->authority(), *token);
  if (!kept) return out.failed(kept.error());
  return out.done("logged in to " + server->authority(), {{"url", server->authority()}});
}

}  // namespace

runner declare_login(CLI::App& app) {
  describe(app,
           "Keeps a token for a server, so that the other commands can use it. The token, or the "
           "whole link that the server printed, is read from the terminal or from standard input: "
           "never give it on the command line, where others can see it. It is kept in "
           "sluice/credentials in $XDG_CONFIG_HOME or ~/.config, which only you can read.",
           {{"Type it", "sluice login sluice://nas"},
            {"From a file", "sluice login sluice://nas < token"}});
  auto flags = std::make_shared<login_flags>();
  app.add_option("URL", flags->url, "The server.")->required();
  app.add_flag("--forget", flags->forget, "Forget the token for this server instead.");
  add_timeout_flag(app, flags->timeout_s);
  add_security_flags(app, flags->security);
  add_output_flags(app, flags->output);
  return [flags] { return run_login(*flags); };
}

}  // namespace sluice::cli
