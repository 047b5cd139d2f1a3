#include "cli/notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace sluice::cli {
namespace {

using client::talk_message;

constexpr std::uint64_t subtitle_ms = 3'000;

// A text of somebody else's as one line in which nothing acts.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return base::escape_unsafe(text);
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

std::string said_by(const talk_message& note) { return one_line(note.author + ": " + note.text); }

std::uint64_t first_frame(const notes& of, const talk_message& note) {
  return of.start_frame + frame_at(note.at_ms.value_or(0), of.rate.value());
}

std::uint64_t frames_of(const notes& of, const talk_message& note) {
  if (!note.until_ms) return 1;
  const auto end = of.start_frame + frame_at(*note.until_ms, of.rate.value());
  return std::max<std::uint64_t>(1, end - std::min(end, first_frame(of, note)));
}

// --- csv ---

std::string cell(const std::string& text) {
  const bool is_formula = !text.empty() && std::string_view("=+-@").contains(text.front());
  std::string safe = is_formula ? "'" + text : text;
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  return '"' + replaced(safe, "\"", "\"\"") + '"';
}

std::string lines_of(const std::string& text) {
  std::string made;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    made += (made.empty() ? "" : "\n") + base::escape_unsafe(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return made;
}

std::string timecode_or_none(const notes& of, const std::optional<std::uint64_t>& at_ms) {
  if (!at_ms) return "";
  return timecode(of.start_frame + frame_at(*at_ms, of.rate.value()), of.rate.value());
}

nlohmann::ordered_json or_null(const std::optional<std::uint64_t>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

// --- fcpxml ---

// Also what XML 1.0 (2.2) cannot have at all: U+FFFE and U+FFFF.
std::string xml(std::string text) {
  text = replaced(std::move(text), "\xef\xbf\xbe", "\\xef\\xbf\\xbe");
  text = replaced(std::move(text), "\xef\xbf\xbf", "\\xef\\xbf\\xbf");
  text = replaced(std::move(text), "&", "&amp;");
  text = replaced(std::move(text), "<", "&lt;");
  text = replaced(std::move(text), ">", "&gt;");
  return replaced(std::move(text), "\"", "&quot;");
}

// "1001/24000s": as many frames.
std::string rational(const notes& of, std::uint64_t frames) {
  const auto seconds = frames * of.rate.value().seconds;
  if (seconds % of.rate.value().frames == 0)
    return fmt::format("{}s", seconds / of.rate.value().frames);
  return fmt::format("{}/{}s", seconds, of.rate.value().frames);
}

std::string marker(const notes& of, const talk_message& note) {
  return fmt::format(
      "            <marker start=\"{}\" duration=\"{}\" value=\"{}\" completed=\"{}\"/>\n",
      rational(of, first_frame(of, note)), rational(of, frames_of(of, note)), xml(said_by(note)),
      note.resolved ? 1 : 0);
}

// --- srt ---

std::string srt_time(std::uint64_t time_ms) {
  return fmt::format("{:02}:{:02}:{:02},{:03}", time_ms / 3'600'000, time_ms / 60'000 % 60,
                     time_ms / 1000 % 60, time_ms % 1000);
}

}  // namespace

std::vector<talk_message> timed(const std::vector<talk_message>& all) {
  std::vector<talk_message> found;
  std::ranges::copy_if(all, std::back_inserter(found),
                       [](const auto& one) { return one.at_ms.has_value(); });
  std::ranges::stable_sort(found, {}, &talk_message::at_ms);
  return found;
}

std::string to_csv(const notes& of) {
  std::string text = "id,timecode,until,at_ms,author,text,resolved,reply_to,time_ms\r\n";
  for (const auto& note : of.messages) {
    text += fmt::format("{},{},{},{},{},{},{},{},{}\r\n", note.id, timecode_or_none(of, note.at_ms),
                        timecode_or_none(of, note.until_ms),
                        note.at_ms ? std::to_string(*note.at_ms) : "", cell(one_line(note.author)),
                        cell(lines_of(note.text)), note.resolved ? "yes" : "no",
                        note.reply_to ? std::to_string(*note.reply_to) : "", note.time_ms);
  }
  return text;
}

std::string to_json_text(const notes& of) {
  nlohmann::ordered_json told{
      {"title", of.title}, {"frame_rate", nullptr}, {"drop_frame", nullptr}};
  if (of.rate) {
    told["frame_rate"] = {{"frames", of.rate->frames}, {"seconds", of.rate->seconds}};
    told["drop_frame"] = of.rate->drops;
  }
  told["notes"] = nlohmann::ordered_json::array();
  for (const auto& note : of.messages) {
    nlohmann::ordered_json one{{"id", note.id},
                               {"author", note.author},
                               {"guest", note.guest},
                               {"text", note.text},
                               {"at_ms", or_null(note.at_ms)},
                               {"until_ms", or_null(note.until_ms)},
                               {"timecode", timecode_or_none(of, note.at_ms)},
                               {"frame", note.at_ms ? frame_at(*note.at_ms, of.rate.value()) : 0},
                               {"resolved", note.resolved},
                               {"reply_to", or_null(note.reply_to)},
                               {"time_ms", note.time_ms}};
    if (!note.at_ms) one["timecode"] = one["frame"] = nullptr;
    told["notes"].push_back(std::move(one));
  }
  return told.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string to_edl(const notes& of) {
  std::string text = fmt::format("TITLE: {}\r\nFCM: {}DROP FRAME\r\n", one_line(of.title),
                                 of.rate.value().drops ? "" : "NON-");
  std::size_t number = 0;
  for (const auto& note : timed(of.messages)) {
    const auto first = first_frame(of, note);
    const auto begin = timecode(first, of.rate.value());
    const auto end = timecode(first + 1, of.rate.value());
    text += fmt::format("\r\n{:03}  001      V     C        {} {} {} {}\r\n", ++number, begin, end,
                        begin, end);
    text += fmt::format(" |C:ResolveColor{} |M:{} |D:{}\r\n", note.resolved ? "Green" : "Blue",
                        replaced(said_by(note), "|", "/"), frames_of(of, note));
  }
  return text;
}

std::string to_fcpxml(const notes& of) {
  const auto all = timed(of.messages);
  std::uint64_t end = of.start_frame + 1;
  for (const auto& note : all) end = std::max(end, first_frame(of, note) + frames_of(of, note));
  const std::string title = xml(one_line(of.title));
  const std::string start = rational(of, of.start_frame);
  const std::string duration = rational(of, end - of.start_frame);
  std::string text = fmt::format(
      R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.9">
  <resources>
    <format id="r1" frameDuration="{}"/>
  </resources>
  <library>
    <event name="{}">
      <project name="{}">
        <sequence format="r1" tcStart="{}" tcFormat="{}" duration="{}"><spine>
          <gap name="{}" offset="{}" start="{}" duration="{}">
)",
      rational(of, 1), title, title, start, of.rate.value().drops ? "DF" : "NDF", duration, title,
      start, start, duration);
  for (const auto& note : all) text += marker(of, note);
  return text +
         "          </gap>\n        </spine></sequence>\n      </project>\n    </event>\n"
         "  </library>\n</fcpxml>\n";
}

std::string to_srt(const notes& of) {
  std::string text;
  std::size_t number = 0;
  for (const auto& note : timed(of.messages)) {
    const auto begin = *note.at_ms;
    const auto end = std::max(note.until_ms.value_or(begin + subtitle_ms), begin + 1);
    text += fmt::format("{}\r\n{} --> {}\r\n{}\r\n\r\n", ++number, srt_time(begin), srt_time(end),
                        replaced(said_by(note), "-->", "->"));
  }
  return text;
}

}  // namespace sluice::cli
