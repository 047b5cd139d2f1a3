#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/keys.h"
#include "cli/links.h"
#include "cli/printer.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"

namespace sluice::cli {

namespace {

struct get_flags {
  std::vector<std::string> urls;
  std::string target;
  client::get_options options;
  reach_flags reach;
  output_flags output;
};

int run_get(get_flags& flags) {
  const stop_signals signals;
  printer out(flags.output, flags.target == "-");
  std::vector<client::url> sources;
  for (const std::string& text : flags.urls) {
    auto parsed = client::parse_source(text);
    if (!parsed) return out.failed(parsed.error());
    sources.push_back(std::move(*parsed));
  }
  if (flags.options.bytes_per_second > 0 && flags.options.streams == 0) flags.options.streams = 1;
  apply(flags.reach, flags.options, out);
  flags.options.stop = signals.token();
  if (auto led = find_keys_and_lead(sources, flags.options); !led) return out.failed(led.error());
  const auto got = client::get(sources, flags.target, flags.options, out);
  if (!got) return out.failed(got.error());
  return out.done(summary_text("received", *got, out.elapsed()),
                  summary_facts(*got, out.elapsed()));
}

}  // namespace

runner declare_get(CLI::App& app) {
  describe(
      app,
      "Downloads files and whole trees over several connections and verifies every block. A "
      "file gets its name when all of it is there. After an interruption the same command goes "
      "on where it was.\n\nOver http:// (the addresses below /files/ that a browser has) each file "
      "comes "
      "over one connection and is held against the server's SHA-256 of it at the end; the server "
      "may have to read the whole file for that. sluice:// is faster.",
      {{"One file into the working folder", "sluice get sluice://nas/in/day1.mov"},
       {"A tree into a folder", "sluice get sluice://nas/in/shoot-0412 -o /media/edit/"},
       {"By the address that a browser has", "sluice get http://nas:8080/files/in/day1.mov"},
       {"Into a program", "sluice get sluice://nas/in/day1.mov -o - | ffprobe -"}});
  auto flags = std::make_shared<get_flags>();
  app.add_option("URL", flags->urls, "What to download.")->required();
  app.add_option(
         "-o,--output", flags->target,
         "A folder that exists or ends with '/', a file name for a single file, or \"-\" for "
         "standard output. Without it, the working folder.")
      ->type_name("FILE|DIR");
  app.add_option("-j,--streams", flags->options.streams,
                 "Parallel connections; 0: as many as fit the work.")
      ->type_name("N")
      ->check(in_range(0, 64))
      ->capture_default_str();
  app.add_flag("--overwrite", flags->options.overwrite, "Replace files that are there and differ.");
  add_rate_flag(app, flags->options.bytes_per_second);
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_get(*flags); };
}

}  // namespace sluice::cli
