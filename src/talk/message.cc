#include "talk/message.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace sluice::talk {
namespace {

std::unexpected<error> refuse(const std::string& what) {
  return fail(errc::invalid_argument, what);
}

// How many characters; what may not be in a text is refused. `may_break`: line feeds are fine.
result<std::size_t> count_shown(std::string_view text, bool may_break, const std::string& of) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto point = base::take_code_point(text);
    if (!point) return refuse(of + " is not UTF-8");
    const bool is_control = *point < 0x20 || (*point >= 0x7f && *point < 0xa0);
    if (is_control && !(may_break && *point == '\n')) {
      return refuse(of + " has a control character in it");
    }
    ++count;
  }
  return count;
}

// Blanks that keyboards make: of ASCII, no-break and ideographic space.
bool is_blank(char32_t point) {
  return point == ' ' || point == '\n' || point == 0xa0 || point == 0x3000;
}

bool is_empty(std::string_view text) {
  while (!text.empty()) {
    if (!is_blank(base::take_code_point(text).value_or('x'))) return false;
  }
  return true;
}

// Whoever writes JSON calls itself for each level.
constexpr int drawing_depth_max = 32;

bool is_drawing(const std::string& text) {
  bool is_deep = false;
  const auto look = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    is_deep = is_deep || depth > drawing_depth_max;
    return !is_deep;
  };
  const auto read = nlohmann::json::parse(text, look, false);
  return read.is_object() && !is_deep;
}

bool is_time(const std::optional<std::int64_t>& at_ms) {
  return !at_ms || (*at_ms >= 0 && *at_ms <= time_ms_max);
}

}  // namespace

message to_message(catalog::message_row row, std::string path) {
  message made;
  made.path = std::move(path);
  made.id = row.id;
  made.version = row.version;
  made.account_id = std::move(row.account_id);
  made.author = std::move(row.author);
  made.guest = row.guest;
  made.time_ms = row.time_ms;
  made.text = std::move(row.text);
  made.at_ms = row.at_ms;
  made.until_ms = row.until_ms;
  made.reply_to = row.reply_to;
  made.resolved = row.resolved;
  made.edited = row.edited;
  made.deleted = row.deleted;
  made.drawing = std::move(row.drawing);
  return made;
}

result<void> check_text(const std::string& text) {
  const auto count = count_shown(text, true, "the text");
  if (!count) return std::unexpected(count.error());
  if (is_empty(text)) return refuse("the text is empty");
  if (*count > text_characters_max) {
    return refuse("the text has " + std::to_string(*count) + " characters; it may have " +
                  std::to_string(text_characters_max));
  }
  return {};
}

result<void> check(const draft& what) {
  if (auto fine = check_text(what.text); !fine) return fine;
  if (!is_time(what.at_ms) || !is_time(what.until_ms)) return refuse("a time that no film has");
  if (what.until_ms && (!what.at_ms || *what.until_ms < *what.at_ms)) {
    return refuse("a range ends where it begins or behind it");
  }
  if (what.drawing.size() > drawing_bytes_max) return refuse("a drawing has at most 16 KiB");
  if (!what.drawing.empty() && !is_drawing(what.drawing)) {
    return refuse("the drawing is no JSON object, or has objects in objects without end");
  }
  if (what.nonce.size() > nonce_bytes_max) return refuse("a nonce has at most 64 bytes");
  if (!base::is_valid_utf8(what.nonce)) {
    return refuse("the nonce is not UTF-8");
  }
  return {};
}

result<void> check(const amendment& what) {
  if (what.text) {
    if (auto fine = check_text(*what.text); !fine) return fine;
  }
  if (what.deleted && (what.text || what.resolved)) {
    return refuse("a message is deleted or changed, not both");
  }
  if (!what.deleted && !what.text && !what.resolved) return refuse("nothing is to be changed");
  return {};
}

person person_of(const base::caller& who, std::string account, std::string name,
                 const std::string& address) {
  if (!account.empty()) {
    return {.account_id = who.id(), .name = std::move(account), .paced_as = "account " + who.id()};
  }
  return {.account_id = who.id(),
          .name = name.empty() ? "guest" : std::move(name),
          .guest = true,
          .paced_as = "address " + address};
}

result<void> check_name(const std::string& name) {
  const auto count = count_shown(name, false, "the name");
  if (!count) return std::unexpected(count.error());
  if (is_empty(name)) return refuse("the name is empty");
  if (*count > name_characters_max) return refuse("the name has over 64 characters");
  return {};
}

}  // namespace sluice::talk
