#include "http/talk_json.h"

#include <array>
#include <utility>
#include <vector>

#include "http/event_json.h"

namespace sluice::http {
namespace {

// Deeper than any drawing is; what writes JSON calls itself for each level.
constexpr std::size_t drawing_depth_max = 32;

// Places in talk::spoken::form.
constexpr std::size_t form_own = 0;
constexpr std::size_t form_others = 1;

std::unexpected<problem> refuse(std::string what) {
  return std::unexpected(problem(status::bad_request, std::move(what)));
}

json or_null(const std::optional<std::int64_t>& number) { return number ? json(*number) : json(); }

bool is_deep(const json& value) {
  std::vector<std::pair<const json*, std::size_t>> left{{&value, 0}};
  while (!left.empty()) {
    const auto [each, depth] = left.back();
    left.pop_back();
    if (depth > drawing_depth_max) return true;
    if (!each->is_structured()) continue;
    for (const auto& inner : *each) left.emplace_back(&inner, depth + 1);
  }
  return false;
}

parsed<std::string> drawing_of(const json& object) {
  const auto found = object.find("drawing");
  if (found == object.end() || found->is_null()) return "";
  if (!found->is_object()) return refuse("\"drawing\" is no object");
  if (is_deep(*found)) return refuse("\"drawing\" has objects in objects without end");
  return dump(*found);
}

const std::string& message_text(const talk::spoken& said, bool own) {
  return said.form(own ? form_own : form_others,
                   [own](const talk::message& what) { return dump(to_json(what, own)); });
}

json begin(std::string_view kind, const std::string& path) {
  json told;
  told["kind"] = kind;
  told["path"] = path;
  return told;
}

}  // namespace

json to_json(const talk::message& what, bool own) {
  json told = begin("message", what.path);
  told["id"] = what.id;
  told["version"] = what.version;
  told["author"] = what.author;
  told["guest"] = what.guest;
  told["mine"] = own;
  told["time_ms"] = what.time_ms;
  told["text"] = what.text;
  told["at_ms"] = or_null(what.at_ms);
  told["until_ms"] = or_null(what.until_ms);
  told["reply_to"] = or_null(what.reply_to);
  told["resolved"] = what.resolved;
  told["edited"] = what.edited;
  told["deleted"] = what.deleted;
  told["drawing"] = what.drawing.empty() ? json() : json::parse(what.drawing, nullptr, false);
  return told;
}

json to_json(const talk::page& found, const std::string& account_id) {
  json told;
  told["messages"] = json::array();
  for (const auto& each : found.messages) {
    told["messages"].push_back(to_json(each, is_own(each, account_id)));
  }
  told["version"] = found.version;
  told["more"] = found.more;
  return told;
}

json to_json(const talk::people& there) {
  json told = json::array();
  for (const auto& each : there.named) told.push_back({{"name", each.name}, {"guest", each.guest}});
  return told;
}

std::string telling(const talk::news& what, const std::string& account_id) {
  using kind = talk::news::kind;
  json told;
  switch (what.what) {
    case kind::message: return message_text(*what.said, is_own(what.said->what(), account_id));
    case kind::here:
      told = begin("here", what.path);
      told["people"] = to_json(*what.people);
      told["count"] = what.people->count;
      break;
    case kind::typing:
      told = begin("typing", what.path);
      told["name"] = what.name;
      break;
    case kind::moved:
      told = begin("moved", what.path);
      told["to"] = what.name;
      break;
    case kind::left:
      told = begin("left", what.path);
      told["detail"] = what.name;
      break;
    case kind::missed:
      told = begin("missed", what.path);
      told["version"] = what.version;
      break;
    case kind::none: break;
  }
  return dump(told);
}

parsed<std::optional<std::int64_t>> number_of(const json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() || found->get<std::uint64_t>() >> 63 == 0);
  if (!fits) return refuse('"' + std::string(name) + "\" is no whole number");
  return found->get<std::int64_t>();
}

parsed<std::optional<std::string>> optional_text_of(const json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_string()) return refuse('"' + std::string(name) + "\" is no text");
  return found->get<std::string>();
}

parsed<talk::draft> draft_of(const json& object) {
  talk::draft made;
  auto text = text_of(object, "text");
  if (!text) return std::unexpected(text.error());
  made.text = std::move(*text);
  for (const auto& [name, into] :
       {std::pair{"at_ms", &made.at_ms}, std::pair{"until_ms", &made.until_ms},
        std::pair{"reply_to", &made.reply_to}}) {
    const auto number = number_of(object, name);
    if (!number) return std::unexpected(number.error());
    *into = *number;
  }
  auto drawing = drawing_of(object);
  if (!drawing) return std::unexpected(drawing.error());
  made.drawing = std::move(*drawing);
  auto nonce = optional_text_of(object, "nonce");
  if (!nonce) return std::unexpected(nonce.error());
  made.nonce = std::move(*nonce).value_or("");
  return made;
}

parsed<talk::amendment> amendment_of(const json& object) {
  talk::amendment made;
  const auto id = number_of(object, "id");
  if (!id || !*id) return refuse("the request has no number \"id\"");
  made.id = **id;
  auto text = optional_text_of(object, "text");
  if (!text) return std::unexpected(text.error());
  made.text = std::move(*text);
  const auto deleted = flag_of(object, "deleted");
  if (!deleted) return std::unexpected(deleted.error());
  made.deleted = *deleted;
  const auto resolved = flag_of(object, "resolved");
  if (!resolved) return std::unexpected(resolved.error());
  if (object.contains("resolved")) made.resolved = *resolved;
  auto nonce = optional_text_of(object, "nonce");
  if (!nonce) return std::unexpected(nonce.error());
  made.nonce = std::move(*nonce).value_or("");
  return made;
}

}  // namespace sluice::http
