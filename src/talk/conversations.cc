#include "talk/conversations.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <utility>

namespace sluice::talk {
namespace {

using base::right;

const std::string taken = "something else has its name now";

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

bool is_at_or_below(const std::string& folder, const std::string& path) {
  if (folder.empty() || folder == path) return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// Whether a guest proves by its nonce that it said this.
bool is_proved(const catalog::message_row& row, const std::string& nonce) {
  return row.guest && nonce.size() >= proof_bytes_min && row.nonce == nonce;
}

std::unexpected<error> no_message(std::int64_t id, const std::string& path) {
  return fail(errc::not_found, "find message " + std::to_string(id) + " in /" + path);
}

// What it is then; the version is the caller's.
void apply(const amendment& what, catalog::message_row& row) {
  if (what.deleted) {
    row.deleted = true;
    row.text.clear();
    row.drawing.clear();
  }
  if (what.text && *what.text != row.text) {
    row.text = *what.text;
    row.edited = true;
  }
  if (what.resolved) row.resolved = *what.resolved;
}

std::vector<catalog::message_row> read_rows(catalog::session& s, std::int64_t room_id,
                                            const question& what) {
  const auto limit = what.limit + 1;  // one more says that there is more
  if (what.after_version) return messages_after(s, room_id, *what.after_version, limit);
  if (what.search) return messages_with(s, room_id, *what.search, limit);
  const auto before = what.before.value_or(std::numeric_limits<std::int64_t>::max());
  return messages_before(s, room_id, before, limit);
}

page read_page(catalog::session& s, const std::string& path, const question& what) {
  page found;
  const auto room = catalog::find_room(s, path);
  if (!room) return found;
  found.version = catalog::newest_version(s, room->id);
  auto rows = read_rows(s, room->id, what);
  found.more = std::cmp_greater(rows.size(), what.limit);
  if (found.more) rows.pop_back();
  for (auto& row : rows) found.messages.push_back(to_message(std::move(row), path));
  if (!what.after_version) std::ranges::reverse(found.messages);
  return found;
}

}  // namespace

std::shared_ptr<conversations> conversations::open(catalog::database& database, options opts) {
  return std::shared_ptr<conversations>(new conversations(database, std::move(opts)));
}

// Everything that is not about the message itself.
result<void> conversations::check(const talk_right& where, const person& by) {
  const auto seen = base::permit<right::see>(where.by(), where.path());
  if (!seen) return std::unexpected(seen.error());
  if (!where.still_holds()) {
    return std::unexpected(base::refusal(*where.by(), right::talk, where.path()));
  }
  if (!pace_.try_take(by.paced_as, pace::clock::now())) {
    return fail(errc::busy, "talk in /" + where.path() + ": slower, please");
  }
  return fetch_room(where.path());
}

// Zeros: not to be told from all others.
catalog::file_identity conversations::file_at(const std::string& path) const {
  if (!opts_.identify) return {};
  const auto found = opts_.identify(path);
  // Without the time of its birth, the next file that gets its number would be taken for it.
  return found && found->btime_ns != 0 ? *found : catalog::file_identity{};
}

// Where there is none, but one about the very file that is there now, under a name that nothing has
// any more: another program renamed it.
result<void> conversations::fetch_room(const std::string& path) {
  if (!opts_.identify) return {};
  using catalog::find_room;
  const auto here = database_.read([&](catalog::session& s) { return find_room(s, path); });
  if (!here) return std::unexpected(here.error());
  const auto file = *here ? catalog::file_identity{} : file_at(path);
  if (file == catalog::file_identity{}) return {};
  const auto left = database_.read([&](catalog::session& s) { return find_room(s, file); });
  if (!left) return std::unexpected(left.error());
  if (!*left) return {};
  const std::string from = (*left)->path;
  if (!is_gone(from)) return {};
  const auto fetch = [path, file, from](catalog::session& s) {
    const auto still = find_room(s, file);
    if (still && still->path == from && !find_room(s, path)) set_room_path(s, still->id, path);
  };
  return change_rooms(fetch, [&] {
    const std::lock_guard lock(mutex_);
    if (const auto with = rooms_.find(from); with != rooms_.end()) take_along(with->second, path);
  });
}

// And not by a rename of ours, whose rooms come along by themselves.
bool conversations::is_gone(const std::string& path) {
  const auto there = opts_.identify(path);
  if (there || there.error().code != errc::not_found) return false;
  const std::lock_guard lock(mutex_);
  return std::ranges::none_of(moving_, [&](const auto& one) { return is_at_or_below(one, path); });
}

void conversations::begin_move(const std::string& from) {
  const std::lock_guard lock(mutex_);
  moving_.insert(from);
}

void conversations::not_moved(const std::string& from) {
  const std::lock_guard lock(mutex_);
  if (const auto found = moving_.find(from); found != moving_.end()) moving_.erase(found);
}

void conversations::say(const talk_right& where, draft what, person by, message_callback done) {
  auto fine = talk::check(what);
  if (fine && by.guest) fine = check_name(by.name);
  if (fine) fine = check(where, by);
  if (!fine) return done(std::unexpected(fine.error()));
  commit(
      [self = shared_from_this(), path = where.path(), file = file_at(where.path()),
       what = std::move(what), by = std::move(by)](catalog::session& s, bool& is_new) {
        const auto room = catalog::find_or_make_room(s, path);
        if (file != catalog::file_identity{}) set_room_file(s, room.id, file);
        return self->keep(s, room, what, by, is_new);
      },
      std::move(done));
}

// On the catalog's thread.
result<message> conversations::keep(catalog::session& s, const catalog::room_row& room,
                                    const draft& what, const person& by, bool& is_new) const {
  const auto& path = room.path;
  if (auto again = find_message_by_nonce(s, room.id, by.account_id, what.nonce)) {
    is_new = false;
    return to_message(std::move(*again), path);
  }
  if (room.messages >= opts_.room_messages_max) {
    return fail(errc::no_space, "talk in /" + path + ": as much was said there as can be kept");
  }
  if (what.reply_to && !find_message(s, room.id, *what.reply_to)) {
    return fail(errc::invalid_argument, "reply to message " + std::to_string(*what.reply_to) +
                                            " in /" + path + ": there is none");
  }
  const auto number = catalog::next_change(s);
  catalog::message_row row{.id = number,
                           .room_id = room.id,
                           .version = number,
                           .account_id = by.account_id,
                           .author = by.name,
                           .guest = by.guest,
                           .time_ms = wall_ms(),
                           .text = what.text,
                           .at_ms = what.at_ms,
                           .until_ms = what.until_ms,
                           .reply_to = what.reply_to,
                           .drawing = what.drawing,
                           .nonce = what.nonce};
  insert_message(s, row);
  return to_message(std::move(row), path);
}

void conversations::amend(const talk_right& where, amendment what, const person& by,
                          message_callback done) {
  auto fine = talk::check(what);
  if (fine) fine = check(where, by);
  if (!fine) return done(std::unexpected(fine.error()));
  const bool is_admin = where.by()->may(where.path()).has(right::admin);
  commit(
      [path = where.path(), what = std::move(what), account = by.account_id, is_admin](
          catalog::session& s, bool& /*is_new*/) -> result<message> {
        const auto room = catalog::find_room(s, path);
        auto row = room ? find_message(s, room->id, what.id) : std::nullopt;
        if (!row || row->deleted) return no_message(what.id, path);
        const bool is_theirs =
            is_admin || is_own(to_message(*row, path), account) || is_proved(*row, what.nonce);
        if ((what.text || what.deleted) && !is_theirs) {
          return fail(errc::not_allowed, "change message " + std::to_string(what.id) + " in /" +
                                             path + ": it is somebody else's");
        }
        apply(what, *row);
        row->version = catalog::next_change(s);
        update_message(s, *row);
        return to_message(std::move(*row), path);
      },
      std::move(done));
}

// `how` runs inside the transaction; then, once it is durable, those in the room hear of it, and
// whoever asked.
void conversations::commit(change how, message_callback done) {
  struct outcome {
    result<message> made = fail(errc::internal);
    bool is_new = true;
  };
  const auto shared = std::make_shared<outcome>();
  database_.write(
      [shared, how = std::move(how)](catalog::session& s) mutable -> result<void> {
        shared->made = how(s, shared->is_new);
        if (!shared->made) return std::unexpected(shared->made.error());
        return {};
      },
      [self = shared_from_this(), shared, done = std::move(done)](result<void> committed) mutable {
        if (!committed) return done(std::unexpected(committed.error()));
        const auto said = std::make_shared<const spoken>(std::move(*shared->made));
        if (shared->is_new) self->tell(said);
        done(said);
      });
}

void conversations::tell(const spoken_ptr& said) {
  const std::lock_guard lock(mutex_);
  const auto found = rooms_.find(said->what().path);
  if (found == rooms_.end()) return;
  found->second->add(said);
  for (auto* each : found->second->listeners()) each->wake();
}

result<page> conversations::read(const talk_right& where, const question& what) {
  if (what.limit < 1 || what.limit > question::limit_max) {
    return fail(errc::invalid_argument, "read messages: a page has 1 to 500");
  }
  const auto seen = base::permit<right::see>(where.by(), where.path());
  if (!seen) return std::unexpected(seen.error());
  if (auto fetched = fetch_room(where.path()); !fetched) return std::unexpected(fetched.error());
  return database_.read([&](catalog::session& s) { return read_page(s, where.path(), what); });
}

std::unique_ptr<listener> conversations::listen(std::function<void()> woken) {
  return std::make_unique<listener>(shared_from_this(), std::move(woken));
}

result<bool> conversations::knows_rooms(const std::string& path) {
  return database_.read([&](catalog::session& s) { return catalog::has_rooms(s, path); });
}

result<void> conversations::moved(const std::string& from, const std::string& to) {
  auto outcome = move_all(from, to);
  not_moved(from);  // any more
  return outcome;
}

// Those who listen hear of it in the order of the commits, as they do of messages.
result<void> conversations::move_all(const std::string& from, const std::string& to) {
  const auto follow = [this, &from, &to] {
    const std::lock_guard lock(mutex_);
    end_rooms(to, taken);
    std::vector<std::shared_ptr<room>> moving;
    for (const auto& [path, each] : rooms_) {
      if (is_at_or_below(from, path)) moving.push_back(each);
    }
    for (const auto& each : moving) take_along(each, to + each->path().substr(from.size()));
  };
  const auto known = knows_rooms(from);
  const auto replaced = knows_rooms(to);
  if (!known) return std::unexpected(known.error());
  if (!replaced) return std::unexpected(replaced.error());
  if (!*known && !*replaced) {
    follow();
    return {};
  }
  return change_rooms([from, to](catalog::session& s) { move_rooms(s, from, to); }, follow);
}

result<void> conversations::removed(const std::string& path) {
  const auto follow = [this, &path] {
    const std::lock_guard lock(mutex_);
    end_rooms(path, "it was removed");
  };
  const auto known = knows_rooms(path);
  if (!known) return std::unexpected(known.error());
  if (!*known) {
    follow();
    return {};
  }
  return change_rooms([path](catalog::session& s) { remove_rooms(s, path); }, follow);
}

result<void> conversations::change_rooms(std::function<void(catalog::session&)> how,
                                         const std::function<void()>& follow) {
  std::promise<result<void>> promise;
  auto outcome = promise.get_future();
  database_.write(
      [how = std::move(how)](catalog::session& s) -> result<void> {
        how(s);
        return {};
      },
      [this, &promise, &follow](result<void> committed) {
        if (committed) follow();
        if (committed) sweep_->begin();
        promise.set_value(std::move(committed));
      });
  return outcome.get();
}

std::shared_ptr<room> conversations::enter(const std::string& path, listener& who,
                                           const person& as) {
  auto& there = rooms_[path];
  if (!there) there = std::make_shared<room>(path);
  there->enter(who, as);
  tell_people(*there);
  return there;
}

void conversations::leave(room& where, listener& who) {
  where.leave(who);
  if (!where.listeners().empty()) return tell_people(where);
  const auto found = rooms_.find(where.path());
  if (found != rooms_.end() && found->second.get() == &where) rooms_.erase(found);
}

void conversations::take_along(std::shared_ptr<room> what, const std::string& to) {
  rooms_.erase(what->path());
  if (const auto there = rooms_.find(to); there != rooms_.end()) end(*there->second, taken);
  what->move_to(to);
  const auto& kept = rooms_[to] = std::move(what);
  for (auto* each : kept->listeners()) each->wake();
}

void conversations::tell_people(const room& where) {
  const auto now = listener::clock::now();
  for (auto* each : where.listeners()) each->hear_of_people(where, now);
}

void conversations::end_rooms(const std::string& path, const std::string& why) {
  std::erase_if(rooms_, [&](const auto& one) {
    if (!is_at_or_below(path, one.first)) return false;
    end(*one.second, why);
    return true;
  });
}

void conversations::end(room& what, const std::string& why) {
  what.end(why);
  for (auto* each : what.listeners()) each->wake();
}

}  // namespace sluice::talk
