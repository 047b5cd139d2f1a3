#include "cli/chat_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/quantity.h"

namespace sluice::cli {
namespace {

// Blanks, and what pipes of other systems put at the end of a line.
std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// The text up to the first blank, which is taken off with it.
std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_all = read.ptr == digits.data() + digits.size();
  if (read.ec != std::errc() || !is_all || digits.empty()) return std::nullopt;
  return value;
}

chat_line mistake(std::string what) {
  return {.what = chat_line::kind::mistake, .mistake = std::move(what)};
}

chat_line wish(client::talk_wish what) {
  return {.what = chat_line::kind::wish, .wish = std::move(what)};
}

// A tab is how people write a gap, and no character of a message.
std::string said(std::string_view text) {
  std::string made(text);
  std::ranges::replace(made, '\t', ' ');
  return made;
}

chat_line read_at(std::string_view rest) {
  const auto at = parse_film_time(take_word(rest));
  if (!at || rest.empty()) return mistake("/at TIME TEXT, such as: /at 1:23.5 the sky flickers");
  return wish({.text = said(rest), .at_ms = at, .reply_to = {}, .resolve = {}});
}

chat_line read_reply(std::string_view rest) {
  const auto to = number_of(take_word(rest));
  if (!to || rest.empty()) return mistake("/reply NUMBER TEXT, such as: /reply 17 which one?");
  return wish({.text = said(rest), .at_ms = {}, .reply_to = to, .resolve = {}});
}

chat_line read_resolve(std::string_view rest) {
  const auto id = number_of(rest);
  if (!id) return mistake("/resolve NUMBER, such as: /resolve 17");
  return wish({.text = {}, .at_ms = {}, .reply_to = {}, .resolve = id});
}

nlohmann::ordered_json or_null(const std::optional<std::uint64_t>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

std::string head_of(const client::talk_message& what, bool is_known) {
  std::string head = fmt::format("{}[{}] {} {}", is_known ? "* " : "", what.id,
                                 human_time(what.time_ms * 1'000'000), what.author);
  if (what.guest) head += " (guest)";
  if (what.at_ms) head += " @" + film_time(*what.at_ms);
  if (what.until_ms) head += "-" + film_time(*what.until_ms);
  if (what.reply_to) head += fmt::format(" -> {}", *what.reply_to);
  if (what.resolved) head += " (resolved)";
  if (what.deleted) return head + " (deleted)";
  if (what.edited) head += " (edited)";
  return head + ": ";
}

}  // namespace

std::optional<std::uint64_t> parse_film_time(std::string_view text) {
  std::uint64_t fraction_ms = 0;
  if (const auto point = text.find('.'); point != std::string_view::npos) {
    std::string digits(text.substr(point + 1));
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    digits.resize(3, '0');
    const auto value = number_of(digits);
    if (!value) return std::nullopt;
    fraction_ms = *value;
    text = text.substr(0, point);
  }
  std::uint64_t seconds = 0;
  for (int part = 0; part < 3; ++part) {
    const auto colon = text.find(':');
    const auto value = number_of(text.substr(0, colon));
    if (!value || *value > 1'000'000 || (part > 0 && *value > 59)) return std::nullopt;
    seconds = seconds * 60 + *value;
    if (colon == std::string_view::npos) return seconds * 1000 + fraction_ms;
    text = text.substr(colon + 1);
  }
  return std::nullopt;
}

std::string film_time(std::uint64_t at_ms) {
  const auto seconds = at_ms / 1000;
  if (seconds < 3600)
    return fmt::format("{}:{:02}.{:03}", seconds / 60, seconds % 60, at_ms % 1000);
  return fmt::format("{}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     at_ms % 1000);
}

chat_line read_chat_line(std::string_view typed) {
  auto rest = trim(typed);
  if (rest.empty()) return {};
  if (!rest.starts_with('/') || rest.starts_with("//")) {
    if (rest.starts_with("//")) rest.remove_prefix(1);  // a text that begins with one
    return wish({.text = said(rest), .at_ms = {}, .reply_to = {}, .resolve = {}});
  }
  const auto word = take_word(rest);
  if (word == "/at") return read_at(rest);
  if (word == "/reply") return read_reply(rest);
  if (word == "/resolve") return read_resolve(rest);
  if (word == "/who") return {.what = chat_line::kind::who};
  if (word == "/help") return {.what = chat_line::kind::help};
  if (word == "/quit") return {.what = chat_line::kind::quit};
  return mistake(fmt::format("there is no {}: see /help, or begin with // to say it", word));
}

std::vector<std::string> message_lines(const client::talk_message& what, bool is_known) {
  const std::string text = head_of(what, is_known) + what.text;
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back((lines.empty() ? "" : "    ") + text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

nlohmann::ordered_json message_event(const client::talk_message& what) {
  return {{"event", "message"},
          {"path", what.path},
          {"id", what.id},
          {"version", what.version},
          {"author", what.author},
          {"guest", what.guest},
          {"mine", what.mine},
          {"time_ms", what.time_ms},
          {"text", what.text},
          {"at_ms", or_null(what.at_ms)},
          {"until_ms", or_null(what.until_ms)},
          {"reply_to", or_null(what.reply_to)},
          {"resolved", what.resolved},
          {"edited", what.edited},
          {"deleted", what.deleted}};
}

std::string people_line(const std::vector<client::talk_person>& some, std::uint64_t count) {
  std::string line = fmt::format("{} here", count);
  const char* before = ": ";
  for (const auto& each : some) {
    line += before + each.name + (each.guest ? " (guest)" : "");
    before = ", ";
  }
  if (count > some.size() && !some.empty()) line += ", ...";
  return line;
}

const std::vector<std::string>& chat_help() {
  static const std::vector<std::string> lines{
      "/at 1:23.5 TEXT     says it about that time in the film",
      "/reply 17 TEXT      answers message 17",
      "/resolve 17         marks message 17 as done",
      "/who                tells who is here",
      "/quit               leaves",
      "//TEXT              says a text that begins with a slash"};
  return lines;
}

}  // namespace sluice::cli
