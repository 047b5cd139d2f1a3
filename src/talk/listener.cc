#include "talk/listener.h"

#include <algorithm>
#include <utility>

#include "talk/conversations.h"

namespace sluice::talk {

using base::right;

listener::listener(std::shared_ptr<conversations> home, std::function<void()> woken)
    : home_(std::move(home)), woken_(std::move(woken)) {}

listener::~listener() {
  const std::lock_guard lock(home_->mutex_);
  while (!rooms_.empty()) drop(rooms_.size() - 1);
}

// In this order: what is said between the two is heard.
result<std::int64_t> listener::join(const base::permitted<right::talk>& where, const person& as) {
  if (as.guest) {
    if (const auto fine = check_name(as.name); !fine) return std::unexpected(fine.error());
  }
  const auto fetched = home_->fetch_room(where.path());
  if (!fetched) return std::unexpected(fetched.error());
  if (const auto entered = enter(where, as); !entered) return std::unexpected(entered.error());
  const auto newest = home_->read(where, {.limit = 1});
  if (newest) return newest->version;
  leave(where.path());
  return std::unexpected(newest.error());
}

result<void> listener::enter(const base::permitted<right::talk>& where, const person& as) {
  auto seen = base::permit<right::see>(where.by(), where.path());
  if (!seen) return std::unexpected(seen.error());
  const std::lock_guard lock(home_->mutex_);
  auto* in = find(where.path());
  if (in == nullptr && rooms_.size() >= rooms_max) {
    return fail(errc::busy, "join " + where.path() + ": this connection is in " +
                                std::to_string(rooms_max) + " rooms already");
  }
  if (in != nullptr) drop(static_cast<std::size_t>(in - rooms_.data()));
  const auto joined = home_->enter(where.path(), *this, as);
  rooms_.push_back({.where = joined,
                    .path = where.path(),
                    .as = as,
                    .may_talk = where,
                    .may_see = std::move(*seen),
                    .next = joined->next(),
                    .told_here = joined->here_number()});  // told with the answer
  return {};
}

void listener::begin(const std::string& path, std::int64_t told_version) {
  const std::lock_guard lock(home_->mutex_);
  auto* in = find(path);
  if (in == nullptr) return;
  in->begun = true;
  in->told_version = told_version;
  wake();
}

bool listener::leave(const std::string& path) {
  const std::lock_guard lock(home_->mutex_);
  const auto found = std::ranges::find(rooms_, path, &membership::path);
  if (found == rooms_.end()) return false;
  drop(static_cast<std::size_t>(found - rooms_.begin()));
  return true;
}

void listener::type(const std::string& path, clock::time_point now) {
  const std::lock_guard lock(home_->mutex_);
  auto* in = find(path);
  if (in == nullptr || now - in->typed_at < typing_pause) return;
  in->typed_at = now;
  for (auto* each : in->where->listeners()) {
    if (each != this) each->hear_typing(*in->where, in->as.name);
  }
}

void listener::hear_typing(const room& where, const std::string& name) {
  const auto in =
      std::ranges::find(rooms_, &where, [](const auto& one) { return one.where.get(); });
  if (in == rooms_.end() || in->typing.size() >= typing_max) return;
  if (std::ranges::find(in->typing, name) != in->typing.end()) return;
  in->typing.push_back(name);
  wake();
}

result<person> listener::person_in(const std::string& path) const {
  const std::lock_guard lock(home_->mutex_);
  const auto* in = find(path);
  if (in == nullptr) return fail(errc::invalid_argument, "talk in " + path + ": join it first");
  return in->as;
}

people_ptr listener::people_in(const std::string& path) const {
  const std::lock_guard lock(home_->mutex_);
  const auto* in = find(path);
  return in == nullptr ? nullptr : in->where->here();
}

news listener::next(clock::time_point now) {
  const std::lock_guard lock(home_->mutex_);
  for (std::size_t looked = 0; looked < rooms_.size(); ++looked) {
    turn_ = (turn_ + 1) % rooms_.size();
    auto& in = rooms_[turn_];
    std::string before = in.path;
    if (in.where->path() != before && in.where->why_ended().empty() && follow(in)) {
      return {.what = news::kind::moved, .path = std::move(before), .name = in.path};
    }
    if (auto why = why_lost(in); !why.empty()) {
      news told{.what = news::kind::left, .path = in.path, .name = std::move(why)};
      drop(turn_);
      return told;
    }
    if (auto told = next_of(in, now)) return std::move(*told);
  }
  is_awake_ = false;
  return {};
}

// To where the room is now. False: it may not go there.
bool listener::follow(membership& in) {
  auto may_talk = base::permit<right::talk>(in.may_talk.by(), in.where->path());
  auto may_see = base::permit<right::see>(in.may_see.by(), in.where->path());
  if (!may_talk || !may_see) return false;
  in.path = in.where->path();
  in.may_talk = std::move(*may_talk);
  in.may_see = std::move(*may_see);
  return true;
}

std::string listener::why_lost(const membership& in) {
  if (!in.where->why_ended().empty()) return in.where->why_ended();
  if (in.path != in.where->path()) return "it was moved to where it may not be seen";
  if (in.may_talk.still_holds() && in.may_see.still_holds()) return {};
  return "the right to talk there was taken away";
}

std::optional<news> listener::next_of(membership& in, clock::time_point now) {
  if (!in.begun) return std::nullopt;
  if (auto told = next_message(in)) return told;
  if (in.told_here != in.where->here_number() && now - in.told_here_at >= here_pause) {
    in.told_here = in.where->here_number();
    in.told_here_at = now;
    return news{.what = news::kind::here, .path = in.path, .people = in.where->here()};
  }
  if (!in.typing.empty()) {
    news told{.what = news::kind::typing, .path = in.path, .name = std::move(in.typing.front())};
    in.typing.erase(in.typing.begin());
    return told;
  }
  return std::nullopt;
}

// What was committed while it read what was said before is not told again. Behind a gap nothing is
// told until it joins again: so whatever version it heard last, it has all up to it.
std::optional<news> listener::next_message(membership& in) {
  if (in.next < in.where->first()) {
    in.begun = false;
    return news{.what = news::kind::missed, .path = in.path, .version = in.told_version};
  }
  while (in.next < in.where->next()) {
    const auto& said = in.where->at(in.next++);
    if (said->what().version <= in.told_version) continue;
    in.told_version = said->what().version;
    return news{.what = news::kind::message, .path = in.path, .said = said};
  }
  return std::nullopt;
}

bool listener::has_late_news(clock::time_point now) const {
  const std::lock_guard lock(home_->mutex_);
  return std::ranges::any_of(rooms_, [now](const membership& in) {
    const bool is_due = in.told_here != in.where->here_number();
    return !why_lost(in).empty() || (in.begun && is_due && now - in.told_here_at >= here_pause);
  });
}

listener::membership* listener::find(const std::string& path) {
  const auto found = std::ranges::find(rooms_, path, &membership::path);
  return found == rooms_.end() ? nullptr : &*found;
}

const listener::membership* listener::find(const std::string& path) const {
  const auto found = std::ranges::find(rooms_, path, &membership::path);
  return found == rooms_.end() ? nullptr : &*found;
}

void listener::drop(std::size_t index) {
  const auto where = rooms_[index].where;
  rooms_.erase(rooms_.begin() + static_cast<std::ptrdiff_t>(index));
  home_->leave(*where, *this);
}

// Nobody is woken who would not be told yet.
void listener::hear_of_people(const room& where, clock::time_point now) {
  const auto in =
      std::ranges::find(rooms_, &where, [](const auto& one) { return one.where.get(); });
  if (in != rooms_.end() && in->begun && now - in->told_here_at >= here_pause) wake();
}

void listener::wake() {
  if (std::exchange(is_awake_, true)) return;
  if (woken_) woken_();
}

}  // namespace sluice::talk
