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

struct put_flags {
  std::vector<std::string> sources_and_url;
  client::put_options options;
  reach_flags reach;
  output_flags output;
};

// What is better said of an upload than of anything.
std::string_view advice_on(errc code) noexcept {
  switch (code) {
    case errc::exists:
      return "run it again with --overwrite, --rename or another name: what the server holds is "
             "not "
             "sent again";
    case errc::conflict:
      return "look at what is there now, and run it again: what the server holds is not sent again";
    case errc::no_space:
      return "make room on the server, or have its limits raised; then run it again: it goes on "
             "where it was";
    default: return advice(code);
  }
}

int run_put(put_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  std::vector<std::string> sources = std::move(flags.sources_and_url);
  if (sources.size() < 2) {
    return out.failed({errc::invalid_argument,
                       "upload " + sources.back() + ": give what to upload, and last the URL"});
  }
  auto target = client::parse_url(sources.back());
  if (!target) return out.failed(target.error());
  sources.pop_back();
  if (flags.options.bytes_per_second > 0 && flags.options.streams == 0) flags.options.streams = 1;
  apply(flags.reach, flags.options, out);
  flags.options.stop = signals.token();
  if (auto led = find_keys_and_lead(*target, flags.options); !led) return out.failed(led.error());
  const auto sent = client::put(sources, *target, flags.options, out);
  if (!sent) return out.failed(sent.error(), advice_on(sent.error().code));
  return out.done(summary_text("sent", *sent, out.elapsed()), summary_facts(*sent, out.elapsed()));
}

}  // namespace

runner declare_put(CLI::App& app) {
  describe(
      app,
      "Uploads files and whole trees over several connections, verifies every block, and gives "
      "a file its name on the server only when all of it is there and safe. After an "
      "interruption the same command goes on where it was. What is there already and the same "
      "is not sent again.\n\n"
      "Nothing is overwritten unasked. Where another file has the name already, or gets it first, "
      "the command ends with exit code 6, and the server keeps what it received: the same command "
      "with --overwrite, --rename or another name goes on with that.\n\n"
      "Several sources, or a URL that ends with '/' or names a folder, upload into that folder; "
      "otherwise the URL is the new name.",
      {{"One file into a folder", "sluice put day1.mov sluice://nas/in/"},
       {"A tree", "sluice put shoot-0412 sluice://nas/in/"},
       {"Standard input under a name", "tar c shoot | sluice put - sluice://nas/in/shoot.tar"},
       {"By a link, without an account", "sluice put day1.mov 'sluice://nas/#link=SECRET'"}});
  auto flags = std::make_shared<put_flags>();
  app.add_option(
         "SOURCE", flags->sources_and_url,
         "What to upload, and last where to. \"-\" is standard input and needs a full name in "
         "the URL.")
      ->required()
      ->option_text("FILE|DIR... URL");
  app.add_option("-j,--streams", flags->options.streams,
                 "Parallel connections; 0: as many as fit the work.")
      ->type_name("N")
      ->check(in_range(0, 64))
      ->capture_default_str();
  auto* overwrite = app.add_flag("--overwrite", flags->options.overwrite,
                                 "Replace files that are there and differ.");
  app.add_flag(
         "--rename", flags->options.rename,
         "Where a file is there and differs, send under a free name such as \"film (2).mov\".")
      ->excludes(overwrite);
  app.add_flag("--follow", flags->options.follow_symlinks,
               "Follow symbolic links that stay inside the source; without it they are skipped.");
  add_rate_flag(app, flags->options.bytes_per_second);
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_put(*flags); };
}

}  // namespace sluice::cli
