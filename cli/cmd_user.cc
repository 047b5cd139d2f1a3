#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/administration.h"
#include "cli/grants.h"
#include "cli/keys.h"
#include "cli/printer.h"
#include "cli/quantity.h"

namespace sluice::cli {
namespace {

struct user_flags {
  std::string action;
  std::string name;
  administration_flags where;
  std::vector<std::string> grants;
  bool password = false;
  base::budget_limits limits;
  output_flags output;
};

result<base::secret> ask_password(const user_flags& flags) {
  auto typed = read_secret("Password of " + flags.name);
  if (typed && typed->empty()) {
    return fail(errc::invalid_argument, "give " + flags.name + " a password: it is empty");
  }
  return typed;
}

result<void> add(administration& to, const user_flags& flags) {
  auto grants = parse_grants(flags.grants);
  if (!grants) return std::unexpected(grants.error());
  base::secret password;
  if (flags.password) {
    auto typed = ask_password(flags);
    if (!typed) return std::unexpected(typed.error());
    password = std::move(*typed);
  }
  auto added = to.add_account(flags.name, password, *grants);
  if (!added || flags.limits == base::budget_limits()) return added;
  return to.set_limits(flags.name, flags.limits);
}

result<void> set_password(administration& of, const user_flags& flags) {
  const auto password = ask_password(flags);
  if (!password) return std::unexpected(password.error());
  return of.set_password(flags.name, *password);
}

result<void> grant(administration& by, const user_flags& flags) {
  const auto grants = parse_grants(flags.grants);
  if (!grants) return std::unexpected(grants.error());
  for (const auto& one : *grants) {
    if (auto done = by.put_grant(flags.name, one); !done) return done;
  }
  return {};
}

nlohmann::ordered_json limits_json(const access::account_facts& one) {
  return {{"max_bytes", one.limits.bytes},
          {"max_files", one.limits.files},
          {"max_uploads", one.limits.uploads},
          {"max_connections", one.limits.connections},
          {"rate_bytes", one.limits.rate_bytes},
          {"bytes", one.used.bytes},
          {"files", one.used.files}};
}

std::string limits_text(const access::account_facts& one) {
  std::string text;
  const auto add = [&text](std::uint64_t limit, const std::string& what) {
    if (limit > 0) text += (text.empty() ? "" : ", ") + what;
  };
  const auto& limits = one.limits;
  add(limits.bytes, human_bytes(one.used.bytes) + " of " + human_bytes(limits.bytes));
  add(limits.files, fmt::format("{} of {} files", one.used.files, limits.files));
  add(limits.uploads, counted(limits.uploads, "upload"));
  add(limits.connections, counted(limits.connections, "connection"));
  add(limits.rate_bytes, human_bytes(limits.rate_bytes) + "/s");
  return text.empty() ? "" : " (" + text + ")";
}

void tell(printer& out, const access::account_facts& one) {
  std::string text = one.name;
  nlohmann::ordered_json grants = nlohmann::ordered_json::array();
  for (const auto& each : one.grants) {
    text += " " + to_text(each);
    grants.push_back(to_text(each));
  }
  if (one.has_password) text += " (password)";
  text += limits_text(one);
  out.result_line(text, {{"event", "account"},
                         {"name", one.name},
                         {"password", one.has_password},
                         {"grants", std::move(grants)},
                         {"limits", limits_json(one)}});
}

result<void> act(printer& out, administration& accounts, const user_flags& flags) {
  if (flags.action == "add") return add(accounts, flags);
  if (flags.action == "passwd") return set_password(accounts, flags);
  if (flags.action == "grant") return grant(accounts, flags);
  if (flags.action == "limit") return accounts.set_limits(flags.name, flags.limits);
  if (flags.action == "remove") return accounts.remove_account(flags.name);
  const auto all = accounts.accounts();
  if (!all) return std::unexpected(all.error());
  for (const auto& one : *all) tell(out, one);
  return {};
}

int run_user(const user_flags& flags) {
  printer out(flags.output);
  if (flags.name.empty() != (flags.action == "list")) {
    return out.failed({errc::invalid_argument, "user " + flags.action + ": it needs " +
                                                   (flags.name.empty() ? "a name" : "no name")});
  }
  const auto opened = administration::open(flags.where, out);
  if (!opened) return out.failed(opened.error(), "");
  const auto done = act(out, **opened, flags);
  if (!done) return out.failed(done.error(), "");
  return out.done("", {{"action", flags.action}});
}

// 0, or none given: no limit.
void add_limits(CLI::App& app, base::budget_limits& limits) {
  add_size_flag(app, "--max-bytes", limits.bytes, "SIZE",
                "With add and limit: the most that it may upload in all, counted from then on.");
  add_size_flag(app, "--rate", limits.rate_bytes, "SIZE/s",
                "With add and limit: the most that it may send and receive in a second, all its "
                "connections together.");
  const auto add = [&app](const char* name, std::uint64_t& into, const char* what) {
    app.add_option(name, into, what)->type_name("N")->check(in_range(0, 1e9));
  };
  add("--max-files", limits.files,
      "With add and limit: how many files and folders it may make in all, counted from then on.");
  add("--max-uploads", limits.uploads,
      "With add and limit: how many of its uploads may be unfinished at a time.");
  add("--max-connections", limits.connections,
      "With add and limit: how many connections it may have at a time.");
}

}  // namespace

runner declare_user(CLI::App& app) {
  describe(
      app,
      "Makes, changes and removes accounts, in the data folder of a server that is stopped or over "
      "the wire of one that runs. An account may do what is granted to it, and nothing else; it "
      "logs in with a password "
      "(browsers, curl -u), or with tokens (\"sluice token\").\n\nA password is read from the "
      "terminal or from standard input, never from the command line. Who removes an account "
      "ends its tokens and its uploads.",
      {{"An account that may upload into /in and see all",
        "sluice user add anna --data /data --grant /=see --grant /in=write"},
       {"Who there is", "sluice user list --data /films/.sluice"},
       {"Take a right away", "sluice user grant anna --data /films/.sluice --grant /in=read"},
       {"Up to 500 GB from now on, of a server that runs",
        "sluice user limit anna --server sluice://nas --max-bytes 500GB"}});
  auto flags = std::make_shared<user_flags>();
  app.add_option("ACTION", flags->action, "add, list, passwd, grant, limit or remove.")
      ->required()
      ->check(one_of({"add", "list", "passwd", "grant", "limit", "remove"}));
  app.add_option("NAME", flags->name, "The account, for all but list.");
  add_administration_flags(app, flags->where);
  app.add_option("--grant", flags->grants, std::string("With add and grant: ") + grant_help)
      ->type_name("PATH=RIGHTS")
      ->allow_extra_args(false);
  app.add_flag("--with-password", flags->password, "With add: give it a password.");
  add_limits(app, flags->limits);
  add_output_flags(app, flags->output);
  return [flags] { return run_user(*flags); };
}

}  // namespace sluice::cli
