// What clients of /live may say, by its name: {"kind":"watch","path":"day-1"}. Kinds that are not
// known are answered and harm nobody, so that a newer page can talk to an older server.
#include <algorithm>
#include <array>

#include "http/live_session.h"

namespace sluice::http {
namespace {

constexpr std::size_t id_bytes_max = 64;

// What pairs an answer with its question, where the client gave one.
bool is_id(const json& value) {
  if (value.is_number_integer()) return true;
  return value.is_string() && value.get_ref<const std::string&>().size() <= id_bytes_max;
}

}  // namespace

json live_session::refusal(std::string_view about, std::string_view detail) {
  json told;
  told["kind"] = "error";
  if (!about.empty()) told["about"] = about;
  told["detail"] = detail;
  return told;
}

struct live_session::message_kind {
  std::string_view name;
  awaitable<json> (live_session::*take)(const json& message);
};

const live_session::message_kind* live_session::find_kind(std::string_view name) {
  static constexpr std::array kinds{
      message_kind{"watch", &live_session::watch}, message_kind{"unwatch", &live_session::unwatch},
      message_kind{"join", &live_session::join},   message_kind{"leave", &live_session::leave},
      message_kind{"say", &live_session::say},     message_kind{"amend", &live_session::amend},
      message_kind{"typing", &live_session::type},
  };
  const auto found = std::ranges::find(kinds, name, &message_kind::name);
  return found == kinds.end() ? nullptr : &*found;
}

awaitable<json> live_session::answer(std::string_view text) {
  const json message = json::parse(text, nullptr, false);
  if (!stream_.got_text() || !message.is_object()) {
    co_return refusal("", "a message is a JSON object, as text");
  }
  const auto name = text_of(message, "kind");
  if (!name) co_return refusal("", "the message has no text \"kind\"");
  const auto* kind = find_kind(*name);
  json told = refusal(*name, "this server knows no message of this kind");
  if (kind != nullptr) told = co_await (this->*kind->take)(message);
  if (told.is_null()) co_return told;
  if (const auto id = message.find("id"); id != message.end() && is_id(*id)) told["id"] = *id;
  co_return told;
}

awaitable<json> live_session::watch(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("watch", path.error().detail);
  const auto recursive = flag_of(message, "recursive");
  if (!recursive) co_return refusal("watch", recursive.error().detail);
  if (!watches_) watches_ = shared_.followers.try_take();
  if (!watches_) co_return refusal("watch", "as many follow this server as may");
  if (!follower_->is_following()) follower_->listen(shared_.events);
  const auto followed = co_await follow(*follower_, shared_, who_, *path, *recursive);
  if (!followed) co_return refusal("watch", to_problem(followed.error()).detail);
  json told;
  told["kind"] = "watching";
  told["path"] = store::rel_path::parse(*path)->text();
  told["recursive"] = *recursive;
  co_return told;
}

awaitable<json> live_session::unwatch(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("unwatch", path.error().detail);
  const auto folder = store::rel_path::parse(*path);
  if (!folder) co_return refusal("unwatch", to_problem(folder.error()).detail);
  if (!follower_->is_following() || !follower_->heard().unfollow(*folder))
    co_return refusal("unwatch", "it is not watched");
  json told;
  told["kind"] = "unwatched";
  told["path"] = folder->text();
  co_return told;
}

}  // namespace sluice::http
