#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/limit_names.h"
#include "cli/actions.h"
#include "cli/grants.h"
#include "cli/keys.h"
#include "cli/quantity.h"

namespace sluice::cli {
namespace {

using json = nlohmann::ordered_json;

struct user_flags : action_flags {
  std::vector<std::string> grants;
  bool password = false;
  base::budget_limits limits;
};
using user_action = action<user_flags>;

result<json> told(const result<void>& done) {
  if (!done) return std::unexpected(done.error());
  return json::object();
}

result<base::secret> ask_password(const user_flags& flags) {
  auto typed = read_secret("Password of " + flags.subject);
  if (typed && typed->empty()) {
    return fail(errc::invalid_argument, "give " + flags.subject + " a password: it is empty");
  }
  return typed;
}

result<json> add(printer&, administration& to, const user_flags& flags) {
  auto grants = parse_grants(flags.grants);
  if (!grants) return std::unexpected(grants.error());
  base::secret password;
  if (flags.password) {
    auto typed = ask_password(flags);
    if (!typed) return std::unexpected(typed.error());
    password = std::move(*typed);
  }
  auto added = to.add_account(flags.subject, password, *grants);
  if (!added || flags.limits == base::budget_limits()) return told(added);
  return told(to.set_limits(flags.subject, flags.limits));
}

result<json> set_password(printer&, administration& in, const user_flags& flags) {
  const auto password = ask_password(flags);
  if (!password) return std::unexpected(password.error());
  return told(in.set_password(flags.subject, *password));
}

result<json> grant(printer&, administration& in, const user_flags& flags) {
  const auto grants = parse_grants(flags.grants);
  if (!grants) return std::unexpected(grants.error());
  for (const auto& one : *grants) {
    if (auto done = in.put_grant(flags.subject, one); !done) return told(done);
  }
  return json::object();
}

result<json> set_limits(printer&, administration& in, const user_flags& flags) {
  return told(in.set_limits(flags.subject, flags.limits));
}

result<json> remove(printer&, administration& from, const user_flags& flags) {
  return told(from.remove_account(flags.subject));
}

json limits_json(const access::account_facts& one) {
  json told;
  for (const auto& [name, limit] : base::limit_names) told[name] = one.limits.*limit;
  told["bytes"] = one.used.bytes;
  told["files"] = one.used.files;
  return told;
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
  json grants = json::array();
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

result<json> list(printer& out, administration& of, const user_flags&) {
  const auto all = of.accounts();
  if (!all) return std::unexpected(all.error());
  for (const auto& one : *all) tell(out, one);
  return json::object();
}

constexpr std::string_view account = "a name";
constexpr std::array actions{
    user_action{"add", account, add},       user_action{"list", "", list},
    user_action{"grant", account, grant},   user_action{"passwd", account, set_password},
    user_action{"remove", account, remove}, user_action{"limit", account, set_limits},
};

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
  add_action_flags<user_flags>(app, actions, *flags, "NAME", "The account, for all but list.");
  app.add_option("--grant", flags->grants, std::string("With add and grant: ") + grant_help)
      ->type_name("PATH=RIGHTS")
      ->allow_extra_args(false);
  app.add_flag("--with-password", flags->password, "With add: give it a password.");
  add_limits(app, flags->limits);
  add_output_flags(app, flags->output);
  return [flags] { return run_action<user_flags>("user", actions, *flags); };
}

}  // namespace sluice::cli
