#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/keys.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"
#include "server/scrub_folder.h"

namespace sluice::cli {

namespace {

struct scrub_flags {
  std::string target;
  std::string data;
  std::uint64_t rate = 0;
  bool record = false;
  reach_flags reach;
  output_flags output;
};

void tell(printer& out, const client::difference& found) {
  std::string text = found.path;
  nlohmann::ordered_json event{{"event", "difference"}, {"path", found.path}, {"what", found.what}};
  if (found.block) text += ": block " + std::to_string(*found.block);
  if (found.block) event["block"] = *found.block;
  // Flushed, since progress is told between them.
  out.address_line(text + ": " + found.what, event);
}

std::string summary_of(const printer& out, const client::scrub_report& found) {
  const auto elapsed = out.elapsed();
  const auto seconds = std::max(static_cast<double>(elapsed.count()) / 1000, 0.001);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(found.bytes) / seconds);
  std::string text = "scrubbed " + counted(found.files, "file") + ", " + human_bytes(found.bytes) +
                     " in " + human_duration(elapsed) + " (" + human_bytes(rate) + "/s)";
  if (found.no_record > 0) {
    text += ", " + counted(found.no_record, "file") + " without a record not compared";
  }
  if (found.recorded > 0) text += ", " + counted(found.recorded, "file") + " recorded";
  if (found.changed > 0) {
    text += ", " + counted(found.changed, "file") + " changed meanwhile and not judged";
  }
  return text;
}

nlohmann::ordered_json facts_of(const printer& out, const client::scrub_report& found) {
  return {{"files", found.files},
          {"bytes", found.bytes},
          {"no_record", found.no_record},
          {"recorded", found.recorded},
          {"changed", found.changed},
          {"damaged_files", found.damaged_files},
          {"differences", found.differences},
          {"seconds", static_cast<double>(out.elapsed().count()) / 1000}};
}

int report(printer& out, const std::string& target, const client::scrub_report& found) {
  if (found.differences == 0) return out.done(summary_of(out, found), facts_of(out, found));
  out.result_line(summary_of(out, found), {{"event", "summary"}, {"counts", facts_of(out, found)}});
  return out.failed(
      {errc::bad_digest, "scrub " + target + ": " + counted(found.differences, "difference") +
                             " in " + counted(found.damaged_files, "file")},
      "nothing was changed: send the files that are named above again from a good "
      "copy, with --overwrite, and check the disk");
}

result<client::scrub_report> scrub_url(const scrub_flags& flags, std::stop_token stop,
                                       printer& out) {
  const auto target = client::parse_url(flags.target);
  if (!target) return std::unexpected(target.error());
  if (!flags.data.empty()) {
    return fail(errc::invalid_argument, "scrub " + flags.target + ": --data is for a folder here");
  }
  auto keys = find_keys();
  if (!keys) return std::unexpected(keys.error());
  client::scrub_options options;
  options.keys = std::move(*keys);
  apply(flags.reach, options, out);
  options.stop = std::move(stop);
  options.bytes_per_second = flags.rate;
  options.record = flags.record;
  return client::scrub(*target, options, out,
                       [&out](const client::difference& found) { tell(out, found); });
}

client::progress progress_of(const transfer::scrub_counts& counts, const std::string& path) {
  client::progress shown;
  shown.now = client::phase::verifying;
  shown.path = path;
  shown.bytes_done = counts.bytes + counts.bytes_passed;
  shown.files_done = counts.files_passed;
  if (counts.totals_known) shown.bytes_total = counts.bytes_total;
  if (counts.totals_known) shown.files_total = counts.files_total;
  return shown;
}

result<client::scrub_report> scrub_dir(const scrub_flags& flags, std::stop_token stop,
                                       printer& out) {
  server::folder_scrub_options options;
  options.root = flags.target;
  options.data_dir = flags.data;
  options.bytes_per_second = flags.rate;
  options.record = flags.record;
  options.stop = std::move(stop);
  server::folder_scrub_watcher watcher;
  watcher.on_progress = [&out](const transfer::scrub_counts& counts, const std::string& path) {
    out.on_progress(progress_of(counts, path));
  };
  watcher.on_damage = [&out](const transfer::damage& found) {
    tell(out, {.path = found.path, .block = found.block, .what = found.what});
  };
  auto counts = server::scrub_folder(options, watcher);
  if (!counts) return std::unexpected(std::move(counts).error());
  return client::scrub_report{.files = counts->files,
                              .bytes = counts->bytes,
                              .no_record = counts->no_record,
                              .recorded = counts->recorded,
                              .changed = counts->changed,
                              .damaged_files = counts->damaged_files,
                              .differences = counts->differences};
}

int run_scrub(const scrub_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  const bool is_url =
      flags.target.starts_with("sluice://") || flags.target.starts_with("sluices://");
  const auto found =
      is_url ? scrub_url(flags, signals.token(), out) : scrub_dir(flags, signals.token(), out);
  if (found) return report(out, flags.target, *found);
  if (!is_url && found.error().code == errc::busy) {
    return out.failed(found.error(),
                      "a server serves this folder: scrub it through the server, "
                      "with the URL that it printed when it started");
  }
  return out.failed(found.error());
}

}  // namespace

runner declare_scrub(CLI::App& app) {
  describe(app,
           "Reads what is stored, from the disk and past the memory, and compares each block with "
           "the digest that was recorded when it arrived. Tells every difference by file and "
           "block; then the exit code is 7. It repairs and removes nothing.\n\n"
           "With the URL of a running server, the server does it; with a served folder, it is done "
           "here, while no server runs on it. Files that were copied into the folder by hand have "
           "no record: they are counted, and --record makes one of what they hold now.",
           {{"A running server's disk, all of it", "sluice scrub sluice://nas/"},
            {"At most 100 MB a second, so that others can work",
             "sluice scrub sluice://nas/ --rate 100MB/s"},
            {"A folder whose server is stopped", "sluice scrub /films"}});
  auto flags = std::make_shared<scrub_flags>();
  app.add_option("TARGET", flags->target, "What to scrub.")->required()->option_text("DIR|URL");
  add_size_flag(app, "--rate", flags->rate, "SIZE/s", "Read at most so much in a second.");
  app.add_flag("--record", flags->record, "Make a record of each file that has none.");
  app.add_option("--data", flags->data,
                 "Of a folder here: where its server keeps its state. Without it, .sluice in it.")
      ->type_name("DIR");
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_scrub(*flags); };
}

}  // namespace sluice::cli
