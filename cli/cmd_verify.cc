#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/keys.h"
#include "cli/links.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"

namespace sluice::cli {

namespace {

struct verify_flags {
  std::string url;
  std::string local;
  bool follow = false;
  reach_flags reach;
  output_flags output;
};

void tell(printer& out, const client::difference& found) {
  std::string text = found.path;
  nlohmann::ordered_json event{{"event", "difference"}, {"path", found.path}, {"what", found.what}};
  if (found.block) text += ": block " + std::to_string(*found.block);
  if (found.block) event["block"] = *found.block;
  out.result_line(text + ": " + found.what, event);
}

int report(printer& out, const client::url& target, const client::verify_report& found) {
  for (const client::difference& each : found.differences) tell(out, each);
  if (found.difference_count > 0) {
    const std::string_view which =
        found.difference_count > found.differences.size() ? "the first names" : "the names";
    return out.failed({errc::bad_digest, "verify " + target.text() + ": " +
                                             counted(found.difference_count, "difference") +
                                             " in " + counted(found.files, "file")},
                      fmt::format("send what differs again; {} are above", which));
  }
  std::string text = "verified " + counted(found.files, "file") + ", " + human_bytes(found.bytes) +
                     " in " + human_duration(out.elapsed());
  if (!found.skipped.empty()) text += ", " + std::to_string(found.skipped.size()) + " skipped";
  return out.done(text, {{"files", found.files},
                         {"bytes", found.bytes},
                         {"skipped", found.skipped},
                         {"seconds", static_cast<double>(out.elapsed().count()) / 1000}});
}

int run_verify(const verify_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  auto target = client::parse_url(flags.url);
  if (!target) return out.failed(target.error());
  client::verify_options options;
  options.follow_symlinks = flags.follow;
  apply(flags.reach, options, out);
  options.stop = signals.token();
  if (auto led = find_keys_and_lead(*target, options); !led) return out.failed(led.error());
  const auto local = flags.local.empty() ? std::nullopt : std::optional(flags.local);
  const auto found = client::verify(*target, local, options, out);
  return found ? report(out, *target, *found) : out.failed(found.error());
}

}  // namespace

runner declare_verify(CLI::App& app) {
  describe(
      app,
      "Has the server read its stored bytes anew and compares their digests: with a local file "
      "or tree, or without one with the digests that the server recorded when it received them. "
      "The content itself is not sent. A difference is exit code 7. What \"sluice put\" skips is "
      "named and skipped.",
      {{"Are the copies the same?", "sluice verify sluice://nas/in/day1.mov day1.mov"},
       {"Has the server's disk kept it?", "sluice verify sluice://nas/in/"}});
  auto flags = std::make_shared<verify_flags>();
  app.add_option("URL", flags->url, "What to verify.")->required();
  app.add_option("LOCAL", flags->local, "The local copy to compare with.")->option_text("FILE|DIR");
  app.add_flag("--follow", flags->follow,
               "Compare what symbolic links lead to, as \"sluice put --follow\" sent it.");
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_verify(*flags); };
}

}  // namespace sluice::cli
