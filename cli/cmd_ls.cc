#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/stop_signals.h"

namespace sluice::cli {

namespace {

struct ls_flags {
  std::string url;
  bool details = false;
  bool recursive = false;
  double timeout_s = 30;
  output_flags output;
};

std::string entry_text(const client::listed_entry& entry, bool details) {
  std::string name = entry.path + (entry.folder ? "/" : "");
  if (!details) return name;
  const std::string_view kind = entry.folder ? "folder" : entry.executable ? "program" : "file";
  const std::string size = entry.folder ? "-" : human_bytes(entry.size_bytes);
  return fmt::format("{:<7}  {:>8}  {:>16}  {}", kind, size, human_time(entry.mtime_ns), name);
}

nlohmann::ordered_json entry_event(const client::listed_entry& entry) {
  nlohmann::ordered_json event{{"event", "entry"},
                               {"path", entry.path},
                               {"kind", entry.folder ? "folder" : "file"},
                               {"mtime_ns", entry.mtime_ns}};
  if (!entry.folder) event["size_bytes"] = entry.size_bytes;
  if (!entry.folder) event["executable"] = entry.executable;
  return event;
}

int run_ls(const ls_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  const auto target = client::parse_url(flags.url);
  if (!target) return out.failed(target.error());
  client::session_options options;
  options.timeout = as_timeout(flags.timeout_s);
  options.stop = signals.token();
  std::uint64_t entries = 0;
  out.connecting(*target);
  const auto listed = client::list(*target, flags.recursive, options, [&](const auto& entry) {
    ++entries;
    out.result_line(entry_text(entry, flags.details), entry_event(entry));
  });
  return listed ? out.done("", {{"entries", entries}}) : out.failed(listed.error());
}

}  // namespace

runner declare_ls(CLI::App& app) {
  describe(
      app,
      "Lists what a folder holds, folders with a '/' behind them, in the order of the names' "
      "bytes. Characters that would act on a terminal are shown escaped; --json gives names as "
      "they are.",
      {{"A folder", "sluice ls sluice://nas/in/"},
       {"All below it, with sizes and times", "sluice ls -lR sluice://nas/in/"}});
  auto flags = std::make_shared<ls_flags>();
  app.add_option("URL", flags->url, "The folder, or one file.")->required();
  app.add_flag("-l,--long", flags->details, "Show kind, size and time too.");
  app.add_flag("-R,--recursive", flags->recursive, "List what is in folders too.");
  add_timeout_flag(app, flags->timeout_s);
  add_output_flags(app, flags->output);
  return [flags] { return run_ls(*flags); };
}

}  // namespace sluice::cli
