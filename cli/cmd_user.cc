#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/grants.h"
#include "cli/keys.h"
#include "cli/printer.h"

namespace sluice::cli {
namespace {

struct user_flags {
  std::string action;
  std::string name;
  std::string data;
  std::vector<std::string> grants;
  bool password = false;
  output_flags output;
};

result<std::string> ask_password(const user_flags& flags) {
  auto typed = read_secret("Password of " + flags.name);
  if (!typed) return std::unexpected(typed.error());
  return access::hash_password(*typed);
}

result<void> add(access::table& to, const user_flags& flags) {
  auto grants = parse_grants(flags.grants);
  if (!grants) return std::unexpected(grants.error());
  if (!flags.password) return to.add_account(flags.name, "", *grants);
  const auto hash = ask_password(flags);
  if (!hash) return std::unexpected(hash.error());
  return to.add_account(flags.name, *hash, *grants);
}

result<void> set_password(access::table& of, const user_flags& flags) {
  const auto hash = ask_password(flags);
  if (!hash) return std::unexpected(hash.error());
  return of.set_password(flags.name, *hash);
}

result<void> grant(access::table& by, const user_flags& flags) {
  const auto grants = parse_grants(flags.grants);
  if (!grants) return std::unexpected(grants.error());
  for (const auto& one : *grants) {
    if (auto done = by.put_grant(flags.name, one); !done) return done;
  }
  return {};
}

void tell(printer& out, const access::account_facts& one) {
  std::string text = one.name;
  nlohmann::ordered_json grants = nlohmann::ordered_json::array();
  for (const auto& each : one.grants) {
    text += " " + to_text(each);
    grants.push_back(to_text(each));
  }
  if (one.has_password) text += " (password)";
  out.result_line(text, {{"event", "account"},
                         {"name", one.name},
                         {"password", one.has_password},
                         {"grants", std::move(grants)}});
}

int run_user(const user_flags& flags) {
  printer out(flags.output);
  if (flags.name.empty() != (flags.action == "list")) {
    return out.failed({errc::invalid_argument, "user " + flags.action + ": it needs " +
                                                   (flags.name.empty() ? "a name" : "no name")});
  }
  auto opened = server::accounts_folder::open(flags.data);
  if (!opened) return out.failed(opened.error(), "");
  auto& table = opened->table();
  result<void> done;
  if (flags.action == "list") {
    for (const auto& one : table.accounts()) tell(out, one);
  } else if (flags.action == "add") {
    done = add(table, flags);
  } else if (flags.action == "passwd") {
    done = set_password(table, flags);
  } else if (flags.action == "grant") {
    done = grant(table, flags);
  } else {
    done = table.remove_account(flags.name);
  }
  if (!done) return out.failed(done.error(), "");
  return out.done("", {{"action", flags.action}});
}

}  // namespace

runner declare_user(CLI::App& app) {
  describe(
      app,
      "Makes, changes and removes accounts in the data folder of a server that is stopped. An "
      "account may do what is granted to it, and nothing else; it logs in with a password "
      "(browsers, curl -u), or with tokens (\"sluice token\").\n\nA password is read from the "
      "terminal or from standard input, never from the command line. Who removes an account "
      "ends its tokens and its uploads.",
      {{"An account that may upload into /in and see all",
        "sluice user add anna --data /data --grant /=see --grant /in=write"},
       {"Who there is", "sluice user list --data /films/.sluice"},
       {"Take a right away", "sluice user grant anna --data /films/.sluice --grant /in=read"}});
  auto flags = std::make_shared<user_flags>();
  app.add_option("ACTION", flags->action, "add, list, passwd, grant or remove.")
      ->required()
      ->check(one_of({"add", "list", "passwd", "grant", "remove"}));
  app.add_option("NAME", flags->name, "The account, for all but list.");
  app.add_option(
         "--data", flags->data,
         "The server's data folder: .sluice in the served folder, or what it has for --data.")
      ->type_name("DIR")
      ->required();
  app.add_option("--grant", flags->grants, std::string("With add and grant: ") + grant_help)
      ->type_name("PATH=RIGHTS")
      ->allow_extra_args(false);
  app.add_flag("--with-password", flags->password, "With add: give it a password.");
  add_output_flags(app, flags->output);
  return [flags] { return run_user(*flags); };
}

}  // namespace sluice::cli
