#include "native/talks.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "native/talk_convert.h"
#include "net/on_pool.h"
#include "wire/error_message.h"

namespace sluice::native {
namespace {

constexpr std::int64_t page_messages = 100;
// Of a frame: well below the limit of a control frame, with one more message in it.
constexpr std::size_t frame_bytes = 96 * 1024;
// Waiting to be sent before no more is taken from the room.
constexpr std::size_t waiting_bytes = std::size_t{1} << 20;

std::string plain(const std::string& path) {
  const auto parsed = store::rel_path::parse(path);
  return parsed ? parsed->text() : path;
}

bool is_own(const talk::message& what, const base::caller& who) {
  return talk::is_own(what, who.id());
}

using outcome = result<talk::spoken_ptr>;

// On the pool: `ask` with the room, and a callback that ends the wait.
template <class Ask>
awaitable<outcome> ask_in_room(service& shared, base::caller_ptr who, const std::string& path,
                               const Ask& ask) {
  const auto start = [&](const auto& complete) {
    boost::asio::post(shared.pool, [&, complete] {
      const auto room = shared.tree.permit_talk(who, path);
      if (!room) return complete(std::unexpected(room.error()));
      ask(*room, [complete](outcome said) { complete(std::move(said)); });
    });
  };
  auto said = co_await net::from_callback<outcome>(start);
  co_return said;
}

void reply_said(session& self, std::uint32_t request, const std::string& path, const outcome& said,
                bool own) {
  if (!said) return self.reply_error(request, said.error(), path);
  v1::TalkSaid answer;
  *answer.mutable_message() = to_wire((*said)->what(), own);
  self.writer().send(wire::kind::talk_said, request, wire::last, answer);
}

}  // namespace

talks::talks(session& of)
    : session_(of), changed_(of.where()), alive_(std::make_shared<talks*>(this)) {}

// Wakes what tells, from any thread, unless the session is over by then.
talk::listener& talks::hears() {
  if (hears_) return *hears_;
  const std::weak_ptr<talks*> weak = alive_;
  hears_ = session_.shared().talk.listen([where = session_.where(), weak] {
    boost::asio::post(where, [weak] {
      if (const auto there = weak.lock()) (*there)->changed_.notify_all();
    });
  });
  telling_ = true;
  boost::asio::co_spawn(
      session_.where(), tell_all(session_.shared_from_this(), *this),
      [self = session_.shared_from_this(), this](const std::exception_ptr& thrown) {
        telling_ = false;
        self->changed().notify_all();
        if (thrown) self->fail_session(error{errc::internal, "telling a conversation threw"});
      });
  return *hears_;
}

awaitable<void> talks::tell_all(std::shared_ptr<session> self, talks& all) {
  while (!all.ended_) {
    const auto what = all.hears_->next(talk::listener::clock::now());
    if (what.what == talk::news::kind::none) {
      co_await all.changed_.wait();
      continue;
    }
    all.tell(what);
    const auto room = co_await self->writer().room(waiting_bytes);
    if (!room) co_return;
  }
}

void talks::tell(const talk::news& what) {
  using kind = talk::news::kind;
  const auto found = joined_.find(what.path);
  if (found == joined_.end()) return;
  v1::TalkNews told;
  told.set_path(what.path);
  switch (what.what) {
    case kind::message: return tell_message(found->second, *what.said);
    case kind::left: return finish(what.path, v1::TALK_LEFT, what.name);
    case kind::missed:
      hears_->leave(what.path);
      return finish(what.path, v1::TALK_MISSED, "", what.version);
    case kind::here:
      told.set_what(v1::TALK_HERE);
      add_people(told, *what.people);
      break;
    case kind::typing:
      told.set_what(v1::TALK_TYPES);
      told.set_name(what.name);
      break;
    case kind::moved: {
      told.set_what(v1::TALK_MOVED);
      told.set_name(what.name);
      auto moved = joined_.extract(found);
      moved.key() = what.name;
      const auto request = moved.mapped().request;
      joined_.insert(std::move(moved));
      return session_.writer().send(wire::kind::talk_news, request, wire::skippable, told);
    }
    case kind::none: return;
  }
  session_.writer().send(wire::kind::talk_news, found->second.request, wire::skippable, told);
}

void talks::tell_message(const place& where, const talk::spoken& said) {
  const auto& body = news_body(said, is_own(said.what(), *where.who));
  std::vector<std::byte> frame;
  const auto made = wire::append_frame(frame, wire::kind::talk_news, where.request, wire::no_flags,
                                       std::as_bytes(std::span(body)));
  if (made) session_.writer().send_frames(std::move(frame));
}

// The reply to its JOIN is over.
void talks::finish(const std::string& path, v1::TalkWhat why, const std::string& text,
                   std::int64_t version) {
  const auto found = joined_.find(path);
  if (found == joined_.end()) return;
  v1::TalkNews told;
  told.set_what(why);
  told.set_path(path);
  told.set_name(text);
  told.set_version(static_cast<std::uint64_t>(version));
  session_.writer().send(wire::kind::talk_news, found->second.request, wire::last, told);
  joined_.erase(found);
}

void talks::look(std::chrono::steady_clock::time_point now) {
  if (hears_ && hears_->has_late_news(now)) changed_.notify_all();
}

void talks::end() {
  ended_ = true;
  changed_.notify_all();
}

awaitable<void> talks::join(std::shared_ptr<session> self, std::uint32_t request,
                            v1::TalkJoin message) {
  auto& shared = self->shared();
  const auto who = self->caller();
  const auto by = person_of(shared, *who, message.name(), self->peer());
  auto& heard = hears();
  const auto joining = [&]() -> result<std::pair<talk_room, std::int64_t>> {
    auto room = shared.tree.permit_talk(who, message.path());
    if (!room) return std::unexpected(room.error());
    const auto newest = heard.join(*room, by);
    if (!newest) return std::unexpected(newest.error());
    return std::pair{std::move(*room), *newest};
  };
  const auto joined = co_await net::on_pool(shared.pool, joining);
  if (!joined) co_return self->reply_error(request, joined.error(), message.path());
  const auto& [room, version] = *joined;
  finish(room.path(), v1::TALK_LEFT, "joined again");
  joined_[room.path()] = {request, who};
  v1::TalkNews told;
  told.set_what(v1::TALK_JOINED);
  told.set_path(room.path());
  told.set_version(static_cast<std::uint64_t>(version));
  if (const auto there = heard.people_in(room.path())) add_people(told, *there);
  self->writer().send(wire::kind::talk_news, request, wire::no_flags, told);
  const auto after = message.has_after_version()
                         ? static_cast<std::int64_t>(message.after_version() & ~(1ULL << 63))
                         : version;
  auto catching_up = catch_up(self, request, room, after, version);
  const auto caught_up = co_await std::move(catching_up);
  if (caught_up) co_return;
  heard.leave(room.path());
  finish(room.path(), v1::TALK_LEFT, caught_up.error().message());
}

// What was said since a client left, told page by page before anything newer is.
awaitable<result<void>> talks::catch_up(std::shared_ptr<session> self, std::uint32_t request,
                                        talk_room room, std::int64_t told, std::int64_t end) {
  auto& shared = self->shared();
  const auto who = self->caller();
  while (told < end && !self->is_ending()) {
    const auto page = co_await net::on_pool(shared.pool, [&] {
      return shared.talk.read(room, {.limit = page_messages, .after_version = told});
    });
    if (!page) co_return std::unexpected(page.error());
    if (!room.still_holds()) co_return fail(errc::not_allowed, "the right to talk was taken away");
    v1::TalkNews news;
    std::size_t bytes = 0;
    const auto send = [&] {
      news.set_what(v1::TALK_MESSAGES);
      news.set_path(room.path());
      self->writer().send(wire::kind::talk_news, request, wire::no_flags, news);
      news.Clear();
      bytes = 0;
    };
    for (const auto& each : page->messages) {
      auto* one = news.add_messages();
      *one = to_wire(each, is_own(each, *who));
      bytes += one->ByteSizeLong();
      told = each.version;
      if (bytes >= frame_bytes) send();
    }
    if (bytes > 0) send();
    if (!page->more) told = std::max(told, end);
    auto space = co_await self->writer().room();
    if (!space) co_return space;
  }
  hears_->begin(room.path(), told);
  co_return result<void>{};
}

awaitable<void> talks::read(std::shared_ptr<session> self, std::uint32_t request,
                            v1::TalkRead message) {
  auto& shared = self->shared();
  const auto who = self->caller();
  const auto reading = [&]() -> result<talk::page> {
    const auto room = shared.tree.permit_talk(who, message.path());
    if (!room) return std::unexpected(room.error());
    return shared.talk.read(*room, question_of(message));
  };
  const auto page = co_await net::on_pool(shared.pool, reading);
  if (!page) co_return self->reply_error(request, page.error(), message.path());
  v1::TalkPage told;
  std::size_t bytes = 0;
  for (const auto& each : page->messages) {
    auto* one = told.add_messages();
    *one = to_wire(each, is_own(each, *who));
    bytes += one->ByteSizeLong();
    if (bytes < frame_bytes) continue;
    self->writer().send(wire::kind::talk_page, request, wire::no_flags, told);
    told.Clear();
    bytes = 0;
  }
  told.set_version(static_cast<std::uint64_t>(page->version));
  told.set_more(page->more);
  self->writer().send(wire::kind::talk_page, request, wire::last, told);
}

awaitable<void> talks::leave(std::shared_ptr<session> self, std::uint32_t request,
                             v1::TalkLeave message) {
  const std::string path = plain(message.path());
  if (!hears().leave(path)) {
    const error why{errc::not_found, "leave a room that was not joined"};
    co_return self->reply_error(request, why, message.path());
  }
  finish(path, v1::TALK_LEFT, "left");
  self->writer().send(wire::kind::ok, request, wire::last, v1::Ok());
}

// By the name that it joined with, where it did.
talk::person talks::speaker_in(const std::string& path, const std::string& name) {
  if (name.empty() && hears_) {
    if (const auto joined = hears_->person_in(plain(path))) return *joined;
  }
  return person_of(session_.shared(), *session_.caller(), name, session_.peer());
}

awaitable<void> talks::say(std::shared_ptr<session> self, std::uint32_t request,
                           v1::TalkSay message) {
  auto& shared = self->shared();
  const auto who = self->caller();
  const auto by = speaker_in(message.path(), message.name());
  const auto ask = [&](const talk_room& room, auto done) {
    shared.talk.say(room, draft_of(message), by, std::move(done));
  };
  const auto said = co_await ask_in_room(shared, who, message.path(), ask);
  reply_said(*self, request, message.path(), said, true);
}

awaitable<void> talks::amend(std::shared_ptr<session> self, std::uint32_t request,
                             v1::TalkAmend message) {
  auto& shared = self->shared();
  const auto who = self->caller();
  const auto by = speaker_in(message.path(), "");
  const auto ask = [&](const talk_room& room, auto done) {
    shared.talk.amend(room, amendment_of(message), by, std::move(done));
  };
  const auto said = co_await ask_in_room(shared, who, message.path(), ask);
  reply_said(*self, request, message.path(), said, said && is_own((*said)->what(), *who));
}

awaitable<void> talks::type(std::shared_ptr<session> self, std::uint32_t request,
                            v1::TalkTyping message) {
  hears().type(plain(message.path()), talk::listener::clock::now());
  self->writer().send(wire::kind::ok, request, wire::last, v1::Ok());
  co_return;
}

}  // namespace sluice::native
