// What clients of /live say about conversations (docs/api.md, "Talk").
#include "http/event_json.h"
#include "http/live_session.h"
#include "http/talk_json.h"
#include "http/talk_steps.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

constexpr std::int64_t page_messages = 100;

json refusal_of(std::string_view about, const error& why) {
  return live_session::refusal(about, to_problem(why).detail);
}

json told_of(std::string_view kind, const talk::message& what, bool own) {
  json told;
  told["kind"] = kind;
  told["message"] = to_json(what, own);
  return told;
}

}  // namespace

talk::listener& live_session::talks() {
  if (!talks_) talks_ = shared_.talk.listen(follower_->waker());
  return *talks_;
}

awaitable<json> live_session::join(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("join", path.error().detail);
  auto name = optional_text_of(message, "name");
  if (!name) co_return refusal("join", name.error().detail);
  const auto after = number_of(message, "after_version");
  if (!after) co_return refusal("join", after.error().detail);
  const auto by = person_of(shared_, *who_, std::move(*name).value_or(""), peer_);
  auto& heard = talks();
  const auto joining = [&]() -> result<std::pair<talk_room, std::int64_t>> {
    auto room = shared_.tree.permit_talk(who_, *path);
    if (!room) return std::unexpected(room.error());
    const auto newest = heard.join(*room, by);
    if (!newest) return std::unexpected(newest.error());
    return std::pair{std::move(*room), *newest};
  };
  const auto joined = co_await net::on_pool(shared_.pool, joining);
  if (!joined) co_return refusal_of("join", joined.error());
  const auto& [room, version] = *joined;
  json told;
  told["kind"] = "joined";
  told["path"] = room.path();
  told["version"] = version;
  const auto there = heard.people_in(room.path());
  told["people"] = there ? to_json(*there) : json::array();
  told["count"] = there ? there->count : 0;
  catching_up_ = std::make_unique<catch_up>(room, after->value_or(version), version);
  co_return told;
}

// On the pool: the texts of a page, and how far it goes.
result<std::vector<std::string>> live_session::next_page(catch_up& from) const {
  const auto found =
      shared_.talk.read(from.where, {.limit = page_messages, .after_version = from.told});
  if (!found) return std::unexpected(found.error());
  std::vector<std::string> texts;
  for (const auto& each : found->messages) {
    texts.push_back(dump(to_json(each, is_own(each, who_->id()))));
    from.told = each.version;
  }
  if (!found->more) from.told = std::max(from.told, from.end);
  return texts;
}

// What the client joined is heard of once this is over, or not at all.
awaitable<void> live_session::tell_what_was_missed() {
  const auto from = std::move(catching_up_);
  const std::string path = from->where.path();
  while (from->told < from->end) {
    const auto texts = co_await net::on_pool(shared_.pool, [&] { return next_page(*from); });
    if (!texts || !from->where.still_holds()) {
      talks_->leave(path);
      const auto why = texts ? error{errc::not_allowed, "the right to talk there was taken away"}
                             : texts.error();
      const auto text = dump(refusal_of("join", why));
      co_return co_await queue(text);
    }
    for (const auto& each : *texts) co_await queue(each);
    if (writer_ended_) co_return;
  }
  talks_->begin(path, from->told);
}

awaitable<json> live_session::leave(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("leave", path.error().detail);
  const auto room = store::rel_path::parse(*path);
  if (!room) co_return refusal_of("leave", room.error());
  if (!talks().leave(room->text())) co_return refusal("leave", "it was not joined");
  json told;
  told["kind"] = "left";
  told["path"] = room->text();
  co_return told;
}

// By the name that it joined with, where it did.
talk::person live_session::speaker_in(const std::string& path, const std::string& name) {
  if (name.empty()) {
    const auto room = store::rel_path::parse(path);
    const auto joined = talks().person_in(room ? room->text() : path);
    if (joined) return *joined;
  }
  return person_of(shared_, *who_, name, peer_);
}

awaitable<json> live_session::say(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("say", path.error().detail);
  const auto what = draft_of(message);
  if (!what) co_return refusal("say", what.error().detail);
  const auto name = optional_text_of(message, "name");
  if (!name) co_return refusal("say", name.error().detail);
  const auto by = speaker_in(*path, name->value_or(""));
  const auto said = co_await http::say(shared_, who_, *path, *what, by);
  if (!said) co_return refusal_of("say", said.error());
  co_return told_of("said", (*said)->what(), true);
}

awaitable<json> live_session::amend(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("amend", path.error().detail);
  const auto what = amendment_of(message);
  if (!what) co_return refusal("amend", what.error().detail);
  const auto by = speaker_in(*path, "");
  const auto amended = co_await http::amend(shared_, who_, *path, *what, by);
  if (!amended) co_return refusal_of("amend", amended.error());
  const auto& made = (*amended)->what();
  co_return told_of("amended", made, is_own(made, who_->id()));
}

// Not answered.
awaitable<json> live_session::type(const json& message) {
  const auto path = text_of(message, "path");
  if (!path) co_return refusal("typing", path.error().detail);
  const auto room = store::rel_path::parse(*path);
  if (!room) co_return refusal_of("typing", room.error());
  talks().type(room->text(), clock::now());
  co_return json();
}

}  // namespace sluice::http
