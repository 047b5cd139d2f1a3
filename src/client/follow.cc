// follow: what is in a folder of the server, and then what happens in it.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/client.h"
#include "client/event_reader.h"
#include "client/http_link.h"
#include "client/json_text.h"
#include "client/list_all.h"
#include "client/names.h"
#include "client/requests.h"
#include "client/silent_observer.h"

namespace sluice::client {
namespace {

using json = nlohmann::json;

// A server says something at least every 15 s.
constexpr auto silence = std::chrono::seconds(60);

std::optional<std::uint64_t> number_of(const json& told, const char* name) {
  const auto found = told.find(name);
  if (found == told.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

// As the listing has it: below the listed folder; what is elsewhere with a '/' before it.
std::string place_of(std::string path, std::string_view folder) {
  if (path.empty() || folder.empty()) return path;
  if (path == folder) return ".";
  if (path.starts_with(folder) && path[folder.size()] == '/') return path.substr(folder.size() + 1);
  return '/' + path;
}

result<change> read_change(const std::string& text, std::string_view folder) {
  const json told = json::parse(text, nullptr, false);
  if (!told.is_object()) return fail(errc::bad_frame, "an event that is no JSON object");
  const json entry = told.value("entry", json::object());
  change made;
  made.kind = text_in(told, "kind");
  made.path = place_of(text_in(told, "path"), folder);
  made.from = place_of(text_in(told, "from"), folder);
  made.state = text_in(told, "state");
  made.folder =
      made.kind == "made" || text_in(told, "was") == "folder" || text_in(entry, "kind") == "folder";
  made.size_bytes = number_of(entry.is_object() && !entry.empty() ? entry : told, "size");
  made.durable_bytes = number_of(told, "durable");
  made.upload = number_of(told, "upload");
  return made;
}

awaitable<result<void>> tell_changes(http_link& by, std::string_view folder,
                                     const std::function<bool(const change&)>& each) {
  event_reader events;
  std::array<std::byte, std::size_t{16} * 1024> piece{};
  for (;;) {
    while (const auto text = events.next()) {
      const auto made = read_change(*text, folder);
      if (!made) co_return std::unexpected(made.error());
      if (!each(*made)) co_return result<void>{};
    }
    const auto got = co_await by.read_some(piece);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return fail(errc::end_of_stream, "the server tells no more: it stops");
    const auto added = events.add({reinterpret_cast<const char*>(piece.data()), *got});
    if (!added) co_return added;
  }
}

// Follows before it lists: what happens in between is told behind the listing.
awaitable<result<void>> follow_all(session& owner, url target, bool recursive,
                                   const std::function<void(const listed_entry&)>& entry,
                                   const std::function<bool(const change&)>& each) {
  const std::string what = "follow " + target.text();
  const auto by = co_await http_link::open(owner, target);
  if (!by) co_return std::unexpected(about(by.error(), what));
  (*by)->bear(silence);
  const std::string folder(without_slash(target.path));
  const auto query =
      fmt::format("/api/events?path={}&recursive={}", encode_path(folder), recursive);
  const auto asked = co_await (*by)->get(query);
  if (!asked) co_return std::unexpected(about(asked.error(), what));
  const auto listed = co_await list_all(owner, target, recursive, entry);
  if (!listed) co_return listed;
  const auto told = co_await tell_changes(**by, folder, each);
  if (!told) co_return std::unexpected(about(told.error(), what));
  co_return told;
}

}  // namespace

result<void> follow(const url& target, bool recursive, const session_options& options,
                    const std::function<void(const listed_entry&)>& entry,
                    const std::function<bool(const change&)>& each) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(follow_all(work, target, recursive, entry, each));
}

}  // namespace sluice::client
