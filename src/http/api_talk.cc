// /api/talk, /api/say, /api/amend: conversations, for clients that ask.
#include "http/api.h"
#include "http/event_json.h"
#include "http/syntax.h"
#include "http/talk_json.h"
#include "http/talk_steps.h"

namespace sluice::http {
namespace {

parsed<std::optional<std::int64_t>> number_in(const request& asked, std::string_view name) {
  const auto text = asked.parameter(name);
  if (!text) return std::nullopt;
  const auto number = parse_number(*text);
  if (!number) {
    return std::unexpected(problem(status::bad_request, std::string(name) + " is no whole number"));
  }
  return static_cast<std::int64_t>(*number);
}

parsed<talk::question> read_question(const request& asked) {
  talk::question wanted;
  const auto limit = number_in(asked, "limit");
  if (!limit) return std::unexpected(limit.error());
  wanted.limit = limit->value_or(wanted.limit);
  const auto before = number_in(asked, "before");
  if (!before) return std::unexpected(before.error());
  wanted.before = *before;
  const auto after = number_in(asked, "after_version");
  if (!after) return std::unexpected(after.error());
  wanted.after_version = *after;
  if (const auto part = asked.parameter("search")) wanted.search = *part;
  if (wanted.before.has_value() + wanted.after_version.has_value() + wanted.search.has_value() >
      1) {
    return std::unexpected(
        problem(status::bad_request, "ask for one of before, after_version and search"));
  }
  return wanted;
}

// On the pool: a page of drawings is a while's work.
result<std::string> read_page(service& shared, const base::caller_ptr& who, const std::string& path,
                              const talk::question& wanted) {
  const auto room = shared.tree.permit_talk(who, path);
  if (!room) return std::unexpected(room.error());
  const auto found = shared.talk.read(*room, wanted);
  if (!found) return std::unexpected(found.error());
  return dump(to_json(*found, who->id()));
}

// A message, or why there is none. 429: slower.
awaitable<result<void>> answer(exchange& now, status code, const result<talk::spoken_ptr>& said) {
  if (said) {
    // Whoever is answered said it, or may change it.
    const json told = to_json((*said)->what(), true);
    co_return co_await send_json(now, code, told);
  }
  if (said.error().code != errc::busy) co_return std::unexpected(said.error());
  response slower(problem(status::too_many_requests, said.error().message()));
  slower.add("Retry-After", "1");
  co_return co_await now.send(slower);
}

struct say_wish {
  std::string path;
  talk::draft what;
  std::string name;
};

parsed<say_wish> read_say(const json& object) {
  auto path = text_of(object, "path");
  if (!path) return std::unexpected(path.error());
  auto what = draft_of(object);
  if (!what) return std::unexpected(what.error());
  auto name = optional_text_of(object, "name");
  if (!name) return std::unexpected(name.error());
  return say_wish{std::move(*path), std::move(*what), std::move(*name).value_or("")};
}

struct amend_wish {
  std::string path;
  talk::amendment what;
};

parsed<amend_wish> read_amend(const json& object) {
  auto path = text_of(object, "path");
  if (!path) return std::unexpected(path.error());
  auto what = amendment_of(object);
  if (!what) return std::unexpected(what.error());
  return amend_wish{std::move(*path), std::move(*what)};
}

}  // namespace

awaitable<result<void>> api_talk(exchange& now, service& shared) {
  const auto wanted = read_question(now.asked());
  if (!wanted) co_return co_await now.refuse(wanted.error());
  const std::string path(now.asked().below("/api/talk/"));
  auto found = co_await net::on_pool(
      shared.pool, [&] { return read_page(shared, now.caller(), path, *wanted); });
  if (!found) co_return std::unexpected(found.error());
  response told(status::ok);
  told.add("Cache-Control", "no-cache");
  told.with(std::move(*found), "application/json");
  co_return co_await now.send(told);
}

awaitable<result<void>> api_say(exchange& now, service& shared) {
  std::optional<say_wish> wanted;
  const auto came = co_await take_wish(now, read_say, wanted);
  if (!came || !wanted) co_return came;
  const auto by = person_of(shared, *now.caller(), wanted->name, now.asked().peer);
  const auto said = co_await say(shared, now.caller(), wanted->path, wanted->what, by);
  co_return co_await answer(now, status::created, said);
}

awaitable<result<void>> api_amend(exchange& now, service& shared) {
  std::optional<amend_wish> wanted;
  const auto came = co_await take_wish(now, read_amend, wanted);
  if (!came || !wanted) co_return came;
  const auto by = person_of(shared, *now.caller(), "", now.asked().peer);
  const auto amended = co_await amend(shared, now.caller(), wanted->path, wanted->what, by);
  if (!amended) co_return co_await answer(now, status::ok, amended);
  const json told = to_json((*amended)->what(), is_own((*amended)->what(), by.account_id));
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace sluice::http
