#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/film_rate.h"
#include "cli/keys.h"
#include "cli/links.h"
#include "cli/notes.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"
#include "client/look_into.h"

namespace sluice::cli {

namespace {

struct notes_flags {
  std::string url;
  std::string format = "csv";
  std::string fps;  // "": the film's own
  std::string start;
  reach_flags reach;
  output_flags output;
};

enum class counts : std::uint8_t { nothing, frames_of_notes, all_frames };

struct notes_format {
  std::string_view name;
  std::string (*write)(const notes& of);
  bool needs_times;
  counts in;
};

constexpr std::array formats{notes_format{"csv", to_csv, false, counts::frames_of_notes},
                             notes_format{"edl", to_edl, true, counts::all_frames},
                             notes_format{"fcpxml", to_fcpxml, true, counts::all_frames},
                             notes_format{"srt", to_srt, true, counts::nothing},
                             notes_format{"json", to_json_text, false, counts::frames_of_notes}};

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  names.reserve(formats.size());
  for (const auto& each : formats) names.emplace_back(each.name);
  return names;
}

std::string title_of(const client::url& film) {
  std::string_view path = film.path;
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto name = path.substr(path.rfind('/') + 1);
  return std::string(name.empty() ? std::string_view("notes") : name);
}

bool needs_rate(const notes_format& format, const notes& of, const std::string& start) {
  if (format.in == counts::nothing) return false;
  return format.in == counts::all_frames || !start.empty() || !timed(of.messages).empty();
}

result<frame_rate> rate_in(const client::url& film, const client::session_options& options) {
  std::expected<frame_rate, rate_obstacle> found = std::unexpected(rate_obstacle{});
  const auto look = [&found](const client::known_content& known) {
    found = rate_of_film(known);
    return found ? std::nullopt : found.error().block;
  };
  const auto looked = client::look_into(film, options, look);
  if (looked && found) return *found;
  const std::string hint = "; give the frame rate by --fps";
  if (!looked) return fail(looked.error().code, looked.error().context + hint);
  return fail(errc::invalid_argument,
              "read the frame rate of " + film.text() + ": " + found.error().why + hint);
}

result<std::uint64_t> first_frame(const std::string& start, const frame_rate& rate) {
  const auto frame = parse_timecode(start, rate);
  if (frame) return *frame;
  return fail(errc::invalid_argument,
              fmt::format("{} is no timecode of {} frames a second, such as 01:00:00:00", start,
                          name_of(rate)));
}

// What was said, and what is needed to write it.
result<notes> read_notes(const client::url& film, const notes_flags& flags,
                         const notes_format& format, const client::session_options& options) {
  notes found{.title = title_of(film), .messages = {}, .rate = parse_frame_rate(flags.fps)};
  auto said = client::read_conversation(film, options);
  if (!said) return std::unexpected(said.error());
  found.messages = std::move(*said);
  if (!found.rate && needs_rate(format, found, flags.start)) {
    auto read = rate_in(film, options);
    if (!read) return std::unexpected(read.error());
    found.rate = *read;
  }
  if (flags.start.empty() || !found.rate) return found;
  const auto start = first_frame(flags.start, *found.rate);
  if (!start) return std::unexpected(start.error());
  found.start_frame = *start;
  return found;
}

int run_notes(const notes_flags& flags) {
  const stop_signals signals;
  printer out(flags.output, true);
  auto target = client::parse_url(flags.url);
  if (!target) return out.failed(target.error());
  client::session_options options;
  apply(flags.reach, options, out);
  options.stop = signals.token();
  if (auto led = find_keys_and_lead(*target, options); !led) return out.failed(led.error());
  const auto& format = *std::ranges::find(formats, flags.format, &notes_format::name);
  const auto found = read_notes(*target, flags, format, options);
  if (!found) return out.failed(found.error());

  const auto untimed = found->messages.size() - timed(found->messages).size();
  if (format.needs_times && untimed > 0) {
    out.on_notice(counted(untimed, "message") + " left out: without a time in the film");
  }
  const auto text = format.write(*found);
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  const auto written = found->messages.size() - (format.needs_times ? untimed : 0);
  return out.done("", {{"notes", written}});
}

}  // namespace

runner declare_notes(CLI::App& app) {
  describe(
      app,
      "Writes what was said about a film to standard output, for a program that cuts it. An "
      "edl has a marker for each note, as DaVinci Resolve reads them (Import, Timeline Markers "
      "from EDL); an fcpxml has them as to-do markers; an srt shows them as subtitles. csv and "
      "json have everything, these only what has a time in the film.\n\nThe frame rate is read "
      "from the film where that is an MP4, MOV, Matroska or WebM; of another it has to be given. "
      "29.97 and 59.94 count in drop-frame, with \"ndf\" behind them they do not. --start is the "
      "timecode of the film's first frame.",
      {{"For DaVinci Resolve, whose time lines begin at one hour",
        "sluice notes sluice://nas/a.mp4 --export edl --start 01:00:00:00"},
       {"For Final Cut Pro", "sluice notes sluice://nas/a.mp4 --export fcpxml > a.fcpxml"},
       {"Of a film whose frame rate cannot be read",
        "sluice notes sluice://nas/a.mxf --export edl --fps 29.97ndf"},
       {"For a spreadsheet", "sluice notes sluice://nas/a.mp4 > notes.csv"}});
  auto flags = std::make_shared<notes_flags>();
  app.add_option("URL", flags->url, "The film.")->required();
  app.add_option("--export", flags->format, "csv, edl, fcpxml, srt or json.")
      ->type_name("FORMAT")
      ->check(one_of(format_names()))
      ->capture_default_str();
  app.add_option(
         "--fps", flags->fps,
         "Frames a second: 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, or 29.97ndf, 59.94ndf; by "
         "default the film's.")
      ->type_name("RATE")
      ->check(one_of(frame_rate_names()));
  app.add_option("--start", flags->start, "The timecode of the first frame; by default zero.")
      ->type_name("TIMECODE");
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_notes(*flags); };
}

}  // namespace sluice::cli
