#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/keys.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"

namespace sluice::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr std::chrono::hours lifetime_max{24 * 3650};

struct share_flags {
  std::string url;
  bool drop = false;
  bool both = false;
  bool list = false;
  std::string revoke;
  std::string label;
  std::string lifetime;
  bool password = false;
  std::uint64_t max_bytes = 0;
  std::uint64_t max_files = 0;
  std::uint64_t max_uses = 0;
  reach_flags reach;
  output_flags output;
};

result<json> read_wish(const share_flags& flags, const client::url& what) {
  std::string path = what.path;
  while (path.ends_with('/')) path.pop_back();
  json wish{{"path", path}, {"does", flags.both ? "both" : flags.drop ? "drop" : "watch"}};
  if (!flags.label.empty()) wish["label"] = flags.label;
  if (flags.max_bytes > 0) wish["max_bytes"] = flags.max_bytes;
  if (flags.max_files > 0) wish["max_files"] = flags.max_files;
  if (flags.max_uses > 0) wish["max_uses"] = flags.max_uses;
  if (!flags.lifetime.empty()) {
    const auto time = parse_duration(flags.lifetime, lifetime_max);
    wish["lifetime_s"] = std::chrono::ceil<std::chrono::seconds>(*time).count();
  }
  if (!flags.password) return wish;
  const auto typed = read_secret("Password of the link");
  if (!typed) return std::unexpected(typed.error());
  if (typed->empty()) return fail(errc::invalid_argument, "make a link: its password is empty");
  wish["password"] = typed->reveal();
  return wish;
}

int make(printer& out, const share_flags& flags, const client::url& what,
         const client::session_options& options) {
  const auto wish = read_wish(flags, what);
  if (!wish) return out.failed(wish.error());
  auto text = wish->dump();
  auto answer = client::ask_api(what, "/api/links", text, options);
  base::wipe(text);
  if (!answer) return out.failed(answer.error());
  const auto told = json::parse(*answer, nullptr, false);
  base::wipe(*answer);
  if (!told.is_object() || !told.contains("url")) {
    return out.failed({errc::bad_frame, "share " + what.text() + ": no JSON object came"});
  }
  json event{{"event", "link"}};
  event.update(told);
  out.result_line(told.value("url", ""), event);  // the one time that it is told
  return out.done("", {{"id", told.value("id", "")}});
}

// "3 of 10 files", "3 files", nothing where nothing is counted.
std::string count_text(const json& link, const char* used, const char* most, const char* what) {
  const auto count = link.value(used, std::uint64_t{0});
  const auto limit = link.find(most);
  const bool is_limited = limit != link.end() && limit->is_number();
  if (count == 0 && !is_limited) return "";
  std::string text = ", " + std::to_string(count);
  if (is_limited) text += " of " + std::to_string(limit->get<std::uint64_t>());
  return text + " " + what;
}

std::string link_text(const json& link) {
  std::string text = fmt::format("{} {} /{} by {}", link.value("id", ""), link.value("does", ""),
                                 link.value("path", ""), link.value("by", ""));
  const auto label = link.value("label", "");
  if (!label.empty()) text += " (" + label + ")";
  if (const auto until = link.find("expires_ms"); until != link.end() && until->is_number()) {
    text += " until " + human_time(until->get<std::int64_t>() * 1'000'000);
  }
  if (link.value("has_password", false)) text += ", with a password";
  text += count_text(link, "used", "max_uses", "uses");
  text += count_text(link, "bytes", "max_bytes", "bytes");
  text += count_text(link, "files", "max_files", "files");
  if (const auto dead = link.find("dead"); dead != link.end() && dead->is_string()) {
    text += ": " + dead->get<std::string>();
  }
  return text;
}

int list(printer& out, const client::url& server, const client::session_options& options) {
  const auto answer = client::ask_api(server, "/api/links", std::nullopt, options);
  if (!answer) return out.failed(answer.error());
  const auto told = json::parse(*answer, nullptr, false);
  if (!told.is_object()) return out.failed({errc::bad_frame, "list links: no JSON object came"});
  for (const auto& link : told.value("links", json::array())) {
    json event{{"event", "link"}};
    event.update(link);
    out.result_line(link_text(link), event);
  }
  return out.done("", json::object());
}

int revoke(printer& out, const share_flags& flags, const client::url& server,
           const client::session_options& options) {
  const json wish{{"id", flags.revoke}};
  const auto answer = client::ask_api(server, "/api/links/revoke", wish.dump(), options);
  if (!answer) return out.failed(answer.error());
  return out.done("", {{"id", flags.revoke}});
}

int run_share(const share_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  const auto what = client::parse_source(flags.url);
  if (!what) return out.failed(what.error());
  client::session_options options;
  apply(flags.reach, options, out);
  options.stop = signals.token();
  auto keys = find_keys();
  if (!keys) return out.failed(keys.error());
  options.keys = std::move(*keys);
  if (flags.list) return list(out, *what, options);
  if (!flags.revoke.empty()) return revoke(out, flags, *what, options);
  return make(out, flags, *what, options);
}

void add_kinds(CLI::App& app, share_flags& flags) {
  auto* drop = app.add_flag("--drop", flags.drop,
                            "To hand in files: into that folder, under free names, and nothing of "
                            "it is shown.");
  app.add_flag("--both", flags.both, "To see, download and talk, and to hand in files.")
      ->excludes(drop);
}

void add_limits(CLI::App& app, share_flags& flags) {
  app.add_option("--label", flags.label, "What it is for, for the list.")->type_name("TEXT");
  const auto check = [](const std::string& text) -> std::string {
    if (parse_duration(text, lifetime_max)) return "";
    return "\"" + text + "\" is no time up to 3650d";
  };
  app.add_option("--expires", flags.lifetime, "It ends after so long. Like 12h, 7d.")
      ->type_name("TIME")
      ->check(CLI::Validator(check, ""));
  app.add_flag("--with-password", flags.password,
               "Who comes by it has to say a password, too: it is read from the terminal or from "
               "standard input.");
  add_size_flag(app, "--max-bytes", flags.max_bytes, "SIZE",
                "The most that may be handed in by it, in all.");
  app.add_option("--max-files", flags.max_files,
                 "How many files and folders may be handed in by it, in all.")
      ->type_name("N")
      ->check(in_range(1, 1e9));
  app.add_option("--max-uses", flags.max_uses,
                 "How often somebody may come by it. A use is a visit: from one address, for "
                 "12 hours; a browser stays in.")
      ->type_name("N")
      ->check(in_range(1, 10'000));
}

}  // namespace

runner declare_share(CLI::App& app) {
  describe(
      app,
      "Makes a link to a file or a folder of a server that runs, for people without an account: "
      "to see, download and talk, to hand in files (--drop), or both. It prints the link, once: "
      "whoever has it may do what it is for. It opens in a browser; \"sluice put\" and \"sluice "
      "get\" take what stands behind its '#', as in sluice://nas/#link=SECRET.\n\n"
      "The link belongs to your account and can do no more than that may. It is of this very file "
      "or folder: it goes along when that is renamed, and what gets the name after it is not "
      "reached by it.",
      {{"A folder to look at, for a week", "sluice share sluice://nas/in/day-1 --expires 7d"},
       {"A place to hand in up to 100 GB",
        "sluice share sluice://nas/in --drop --max-bytes 100GB --label \"for Ana\""},
       {"What there is", "sluice share sluice://nas --list"},
       {"Take one back", "sluice share sluice://nas --revoke 0123456789abcdef"}});
  auto flags = std::make_shared<share_flags>();
  app.add_option("URL", flags->url,
                 "What to share; with --list and --revoke the server alone counts.")
      ->required();
  add_kinds(app, *flags);
  add_limits(app, *flags);
  auto* list =
      app.add_flag("--list", flags->list, "List links: your own, or as administrator all.");
  app.add_option("--revoke", flags->revoke, "End the link with this id, which --list tells.")
      ->type_name("ID")
      ->excludes(list);
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_share(*flags); };
}

}  // namespace sluice::cli
