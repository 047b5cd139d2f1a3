#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/actions.h"
#include "cli/grants.h"
#include "cli/quantity.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::hours lifetime_max{24 * 3650};

using json = nlohmann::ordered_json;

struct token_flags : action_flags {
  std::string label;
  std::string scope;
  std::string lifetime;
};
using token_action = action<token_flags>;

result<token_request> read_wish(const token_flags& flags) {
  token_request wanted{.account = flags.subject, .label = flags.label};
  if (!flags.scope.empty()) {
    auto scope = parse_grant(flags.scope);
    if (!scope) return std::unexpected(scope.error());
    wanted.scope = std::move(*scope);
  }
  if (flags.lifetime.empty()) return wanted;
  const auto time = parse_duration(flags.lifetime, lifetime_max);
  wanted.lifetime_s = std::chrono::ceil<std::chrono::seconds>(*time).count();
  return wanted;
}

result<json> make(printer& out, administration& in, const token_flags& flags) {
  const auto wanted = read_wish(flags);
  if (!wanted) return std::unexpected(wanted.error());
  const auto made = in.add_token(*wanted);
  if (!made) return std::unexpected(made.error());
  // The one time that it is told.
  out.result_line(made->text.reveal(),
                  {{"event", "token"}, {"id", made->id}, {"token", made->text.reveal()}});
  return json{{"id", made->id}};
}

// Of what its account may do; nothing where it is all of that.
std::string limit_text(const access::grant& scope) {
  const bool is_none = scope.path.empty() && scope.what == base::rights::all();
  return is_none ? "" : " only " + to_text(scope);
}

result<json> list(printer& out, administration& of, const token_flags&) {
  const auto all = of.tokens();
  if (!all) return std::unexpected(all.error());
  for (const auto& one : *all) {
    const std::string until = one.expires_s ? " until " + human_date(*one.expires_s) : "";
    const std::string label = one.label.empty() ? "" : " (" + one.label + ")";
    json event{{"event", "token"},   {"id", one.id},           {"account", one.account},
               {"label", one.label}, {"session", one.session}, {"scope", to_text(one.scope)}};
    if (one.expires_s) event["expires_s"] = *one.expires_s;
    out.result_line(
        fmt::format("{} {}{}{}{}", one.id, one.account, limit_text(one.scope), until, label),
        event);
  }
  return json::object();
}

result<json> revoke(printer&, administration& in, const token_flags& flags) {
  const auto revoked = in.revoke_token(flags.subject);
  if (!revoked) return std::unexpected(revoked.error());
  return json{{"id", flags.subject}};
}

constexpr std::array actions{token_action{"new", "the name of an account", make},
                             token_action{"list", "", list},
                             token_action{"revoke", "the id of a token", revoke}};

}  // namespace

runner declare_token(CLI::App& app) {
  describe(app,
           "Makes, lists and revokes tokens of accounts, in the data folder of a server that is "
           "stopped or over the wire of one that runs. A token stands for its account: it can do "
           "what the account may do, or less. It "
           "is printed once and not kept; \"sluice login\" keeps it where it is used.",
           {{"One for a laptop", "sluice token new anna --data /films/.sluice --label laptop"},
            {"One that can only hand in files, for a week",
             "sluice token new anna --data /films/.sluice --scope /in=drop --expires 7d"},
            {"Take one back", "sluice token revoke 0123456789abcdef --data /films/.sluice"}});
  auto flags = std::make_shared<token_flags>();
  add_action_flags<token_flags>(app, actions, *flags, "WHAT",
                                "With new the account; with revoke the id that list tells.");
  app.add_option("--label", flags->label, "With new: what it is for.")->type_name("TEXT");
  app.add_option("--scope", flags->scope,
                 std::string("With new: what it can do of what the account may. ") + grant_help)
      ->type_name("PATH=RIGHTS");
  const auto check = [](const std::string& text) -> std::string {
    if (parse_duration(text, lifetime_max)) return "";
    return "\"" + text + "\" is no time up to 3650d";
  };
  app.add_option("--expires", flags->lifetime, "With new: after so long. Like 12h, 7d.")
      ->type_name("TIME")
      ->check(CLI::Validator(check, ""));
  add_output_flags(app, flags->output);
  return [flags] { return run_action<token_flags>("token", actions, *flags); };
}

}  // namespace sluice::cli
