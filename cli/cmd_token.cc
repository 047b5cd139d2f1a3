#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/administration.h"
#include "cli/grants.h"
#include "cli/printer.h"
#include "cli/quantity.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::hours lifetime_max{24 * 3650};

struct token_flags {
  std::string action;
  std::string what;  // an account, or the id of a token
  administration_flags where;
  std::string label;
  std::string scope;
  std::string lifetime;
  output_flags output;
};

result<token_request> read_wish(const token_flags& flags) {
  token_request wanted{.account = flags.what, .label = flags.label};
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

int make(printer& out, administration& in, const token_flags& flags) {
  const auto wanted = read_wish(flags);
  if (!wanted) return out.failed(wanted.error());
  const auto made = in.add_token(*wanted);
  if (!made) return out.failed(made.error(), "");
  // The one time that it is told.
  out.result_line(made->text.reveal(),
                  {{"event", "token"}, {"id", made->id}, {"token", made->text.reveal()}});
  return out.done("", {{"id", made->id}});
}

std::string date_of(std::int64_t time_s) {
  const auto time = static_cast<std::time_t>(time_s);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const auto count = std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return {text.data(), count};
}

int list(printer& out, administration& of) {
  const auto all = of.tokens();
  if (!all) return out.failed(all.error(), "");
  for (const auto& one : *all) {
    const std::string until = one.expires_s ? " until " + date_of(*one.expires_s) : "";
    const std::string label = one.label.empty() ? "" : " (" + one.label + ")";
    nlohmann::ordered_json event{{"event", "token"},       {"id", one.id},
                                 {"account", one.account}, {"label", one.label},
                                 {"session", one.session}, {"scope", to_text(one.scope)}};
    if (one.expires_s) event["expires_s"] = *one.expires_s;
    out.result_line(
        fmt::format("{} {} {}{}{}", one.id, one.account, to_text(one.scope), until, label), event);
  }
  return out.done("", nlohmann::ordered_json::object());
}

int run_token(const token_flags& flags) {
  printer out(flags.output);
  if (flags.what.empty() != (flags.action == "list")) {
    return out.failed({errc::invalid_argument, "token " + flags.action + ": it needs " +
                                                   (flags.action == "new" ? "the name of an account"
                                                    : flags.action == "revoke" ? "the id of a token"
                                                                               : "no name")});
  }
  const auto opened = administration::open(flags.where, out);
  if (!opened) return out.failed(opened.error(), "");
  administration& accounts = **opened;
  if (flags.action == "new") return make(out, accounts, flags);
  if (flags.action == "list") return list(out, accounts);
  const auto revoked = accounts.revoke_token(flags.what);
  if (!revoked) return out.failed(revoked.error(), "");
  return out.done("", {{"id", flags.what}});
}

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
  app.add_option("ACTION", flags->action, "new, list or revoke.")
      ->required()
      ->check(one_of({"new", "list", "revoke"}));
  app.add_option("WHAT", flags->what, "With new the account; with revoke the id that list tells.");
  add_administration_flags(app, flags->where);
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
  return [flags] { return run_token(*flags); };
}

}  // namespace sluice::cli
