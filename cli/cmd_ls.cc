#include <fmt/format.h>
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

struct ls_flags {
  std::string url;
  bool details = false;
  bool recursive = false;
  bool follow = false;
  reach_flags reach;
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

// What is known of the sizes: "1.2 GB of 2.7 GB", "2.7 GB", nothing.
std::string sizes_text(const client::change& what) {
  const bool is_progress = what.durable_bytes && what.state == "progress";
  if (!is_progress) return what.size_bytes ? human_bytes(*what.size_bytes) : "";
  const std::string done = human_bytes(*what.durable_bytes);
  return what.size_bytes ? done + " of " + human_bytes(*what.size_bytes) : done;
}

std::string change_text(const client::change& what) {
  if (what.kind == "missed") return "missed    something happened that is not told; list again";
  const std::string& word = what.state.empty() ? what.kind : what.state;
  std::string line = fmt::format("{:<8}  {}{}", word, what.path, what.folder ? "/" : "");
  if (!what.from.empty()) line += " from " + what.from;
  const std::string sizes = sizes_text(what);
  return sizes.empty() ? line : line + "  " + sizes;
}

nlohmann::ordered_json change_event(const client::change& what) {
  nlohmann::ordered_json event{{"event", "change"}, {"kind", what.kind}};
  if (what.kind == "missed") return event;
  event["path"] = what.path;
  if (!what.from.empty()) event["from"] = what.from;
  if (!what.state.empty()) event["state"] = what.state;
  if (what.state.empty()) event["of"] = what.folder ? "folder" : "file";
  if (what.size_bytes) event["size_bytes"] = *what.size_bytes;
  if (what.durable_bytes) event["durable_bytes"] = *what.durable_bytes;
  if (what.upload) event["upload"] = *what.upload;
  return event;
}

int follow(const client::url& target, const ls_flags& flags, const client::session_options& options,
           printer& out) {
  const auto ended = client::follow(
      target, flags.recursive, options,
      [&](const auto& entry) {
        out.address_line(entry_text(entry, flags.details), entry_event(entry));
      },
      [&](const auto& what) {
        out.address_line(change_text(what), change_event(what));
        return out.is_heard();
      });
  return ended ? out.done("", {}) : out.failed(ended.error());
}

int run_ls(const ls_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  auto target = client::parse_source(flags.url);
  if (!target) return out.failed(target.error());
  client::session_options options;
  apply(flags.reach, options, out);
  options.stop = signals.token();
  if (auto led = find_keys_and_lead(*target, options); !led) return out.failed(led.error());
  out.connecting(*target);
  if (flags.follow) return follow(*target, flags, options, out);
  std::uint64_t entries = 0;
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
      "they are.\n\nThe address may also be one that a browser has, "
      "http://HOST:PORT/files/in/.\n\nWith --follow, what happens in the folder comes behind the "
      "listing, one line "
      "each, as "
      "it happens: stored, made, renamed, removed; of uploads started, progress, finished and "
      "ended (thrown away). \"missed\" says that the program did not keep up: list again. It ends "
      "with Ctrl-C (exit code 9), or when the server stops (1).",
      {{"A folder", "sluice ls sluice://nas/in/"},
       {"All below it, with sizes and times", "sluice ls -lR sluice://nas/in/"},
       {"What arrives", "sluice ls -R --follow sluice://nas/in/"}});
  auto flags = std::make_shared<ls_flags>();
  app.add_option("URL", flags->url, "The folder, or one file.")->required();
  app.add_flag("-l,--long", flags->details, "Show kind, size and time too.");
  app.add_flag("-R,--recursive", flags->recursive, "List what is in folders too.");
  app.add_flag("-f,--follow", flags->follow, "Then tell what happens there, until Ctrl-C.");
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_ls(*flags); };
}

}  // namespace sluice::cli
