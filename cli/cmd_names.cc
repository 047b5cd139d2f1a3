// rm, mv and mkdir: one request to one server.
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/keys.h"
#include "cli/links.h"
#include "cli/printer.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"

namespace sluice::cli {

namespace {

struct name_flags {
  std::string url;
  std::string new_url;  // mv
  bool deep = false;    // rm -r, mkdir -p
  reach_flags reach;
  output_flags output;
};

using request =
    std::function<result<void>(const client::url& target, const client::session_options& options)>;

int run_request(const name_flags& flags, std::string_view done, const request& ask) {
  const stop_signals signals;
  printer out(flags.output);
  auto target = client::parse_url(flags.url);
  if (!target) return out.failed(target.error());
  client::session_options options;
  apply(flags.reach, options, out);
  options.stop = signals.token();
  if (auto led = find_keys_and_lead(*target, options); !led) return out.failed(led.error());
  out.connecting(*target);
  const auto answered = ask(*target, options);
  if (!answered) return out.failed(answered.error());
  return out.done(std::string(done) + " " + target->text(), {{"url", target->text()}});
}

std::shared_ptr<name_flags> declare_common(CLI::App& app, const char* what) {
  auto flags = std::make_shared<name_flags>();
  app.add_option("URL", flags->url, what)->required();
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return flags;
}

}  // namespace

runner declare_rm(CLI::App& app) {
  describe(app, "Removes a file, an empty folder, or with -r a folder with all that is in it.",
           {{"A file", "sluice rm sluice://nas/in/day1.mov"},
            {"A folder and all in it", "sluice rm -r sluice://nas/in/shoot-0412"}});
  auto flags = declare_common(app, "What to remove.");
  app.add_flag("-r,--recursive", flags->deep, "Remove a folder with all that is in it.");
  return [flags] {
    return run_request(*flags, "removed", [flags](const auto& target, const auto& options) {
      return client::remove(target, flags->deep, options);
    });
  };
}

runner declare_mv(CLI::App& app) {
  describe(
      app,
      "Gives a file or a folder another name on the same server. A name that is taken is never "
      "overwritten.",
      {{"A new name", "sluice mv sluice://nas/in/day1.mov sluice://nas/done/day1.mov"}});
  auto flags = declare_common(app, "What to rename.");
  app.add_option("NEW_URL", flags->new_url, "Its new name, on the same server.")->required();
  return [flags] {
    return run_request(*flags, "renamed", [flags](const auto& from, const auto& options) {
      const auto to = client::parse_url(flags->new_url);
      return to ? client::rename(from, *to, options) : std::unexpected(to.error());
    });
  };
}

runner declare_mkdir(CLI::App& app) {
  describe(app, "Makes a folder on the server.",
           {{"A folder and those above it", "sluice mkdir -p sluice://nas/in/2026/shoot-0412"}});
  auto flags = declare_common(app, "The folder to make.");
  app.add_flag("-p,--parents", flags->deep,
               "Make the folders above it too, and be content when it is there.");
  return [flags] {
    return run_request(*flags, "made", [flags](const auto& target, const auto& options) {
      return client::make_folder(target, flags->deep, options);
    });
  };
}

}  // namespace sluice::cli
