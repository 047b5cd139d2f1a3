#include "http/event_json.h"

namespace sluice::http {
namespace {

using transfer::event;
using transfer::event_kind;

std::string_view kind_of(event_kind kind) {
  switch (kind) {
    case event_kind::stored: return "stored";
    case event_kind::made: return "made";
    case event_kind::renamed: return "renamed";
    case event_kind::removed: return "removed";
    default: return "upload";
  }
}

std::string_view state_of(event_kind kind) {
  switch (kind) {
    case event_kind::upload_started: return "started";
    case event_kind::upload_progress: return "progress";
    case event_kind::upload_finished: return "finished";
    default: return "ended";
  }
}

void add_facts(json& told, const event& what) {
  switch (what.kind) {
    case event_kind::made: return;
    case event_kind::stored:
      told["replaced"] = what.replaced;
      told["entry"] = to_json(what.entry, what.path);
      return;
    case event_kind::renamed:
      told["from"] = what.from;
      told["entry"] = to_json(what.entry, what.path);
      return;
    case event_kind::removed:
      told["was"] = what.entry.kind == store::entry_kind::file ? "file" : "folder";
      return;
    default: break;
  }
  told["state"] = state_of(what.kind);
  told["upload"] = what.upload;
  told["size"] = what.size_bytes ? json(*what.size_bytes) : json();
  told["durable"] = what.durable_bytes;
}

}  // namespace

json to_json(const transfer::news& what) {
  json told;
  if (what.missed) {
    told["kind"] = "missed";
    return told;
  }
  told["kind"] = kind_of(what.what->kind);
  told["path"] = what.what->path;
  add_facts(told, *what.what);
  return told;
}

std::string dump(const json& message) {
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice::http
