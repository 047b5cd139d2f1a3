#include "transfer/events.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::transfer {
namespace {

// "a/b" lies below "a", and below "".
bool is_below(std::string_view folder, std::string_view path) noexcept {
  if (folder.empty()) return !path.empty();
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

bool concerns(const std::string& folder, bool recursive, const std::string& path) noexcept {
  if (path == folder || is_below(path, folder)) return true;
  if (!is_below(folder, path)) return false;
  return recursive || path.find('/', folder.empty() ? 0 : folder.size() + 1) == std::string::npos;
}

void events::tell(event what) {
  if (!has_followers()) return;
  const std::lock_guard lock(mutex_);
  what.number = ++number_;
  const auto shared = std::make_shared<const event>(std::move(what));
  for (auto* each : followers_) {
    if (each->wants(*shared)) each->add(shared);
  }
}

void events::tell_missed() {
  const std::lock_guard lock(mutex_);
  for (auto* each : followers_) each->miss();
}

std::unique_ptr<subscription> events::subscribe(std::function<void()> woken) {
  return std::make_unique<subscription>(shared_from_this(), std::move(woken));
}

subscription::subscription(std::shared_ptr<events> home, std::function<void()> woken)
    : home_(std::move(home)), woken_(std::move(woken)) {
  const std::lock_guard lock(home_->mutex_);
  home_->followers_.push_back(this);
  ++home_->followers_count_;
}

subscription::~subscription() {
  const std::lock_guard lock(home_->mutex_);
  std::erase(home_->followers_, this);
  --home_->followers_count_;
}

result<void> subscription::follow(const base::permitted<base::right::see>& folder, bool recursive) {
  const auto path = store::rel_path::parse(folder.path());
  if (!path) return std::unexpected(path.error());
  followed wanted{path->text(), recursive, folder};
  const std::lock_guard lock(home_->mutex_);
  const auto found = std::ranges::find(folders_, wanted.folder, &followed::folder);
  if (found != folders_.end()) {
    *found = std::move(wanted);
    return {};
  }
  if (folders_.size() >= folders_max) {
    return fail(errc::busy, "follow " + wanted.folder + ": " + std::to_string(folders_max) +
                                " folders are followed already");
  }
  folders_.push_back(std::move(wanted));
  return {};
}

bool subscription::unfollow(const store::rel_path& folder) {
  const std::lock_guard lock(home_->mutex_);
  return std::erase_if(folders_, [&](const auto& one) { return one.folder == folder.text(); }) > 0;
}

bool subscription::wants(const event& what) const {
  return std::ranges::any_of(folders_, [&](const followed& one) {
    const bool is_about = concerns(one.folder, one.recursive, what.path) ||
                          (!what.from.empty() && concerns(one.folder, one.recursive, what.from));
    return is_about && one.by.still_holds();
  });
}

// A name of elsewhere: where something in the folder came from, or went.
bool subscription::may_be_told(const event& what) const {
  const auto& who = *folders_.front().by.by();
  const auto may_see = [&who](const std::string& path) {
    return who.may(path).has(base::right::see);
  };
  return may_see(what.path) && (what.from.empty() || may_see(what.from));
}

bool subscription::has_lost_a_right() const {
  const std::lock_guard lock(home_->mutex_);
  return std::ranges::any_of(folders_, [](const followed& one) { return !one.by.still_holds(); });
}

void subscription::add(const std::shared_ptr<const event>& what) {
  if (what->kind == event_kind::upload_progress) {
    const auto older = std::ranges::find_if(waiting_, [&](const auto& one) {
      return one->kind == event_kind::upload_progress && one->upload == what->upload;
    });
    if (older != waiting_.end()) {
      *older = what;
      return;
    }
  }
  if (waiting_.size() >= waiting_max) return miss();
  waiting_.push_back(what);
  wake();
}

void subscription::miss() {
  waiting_.clear();
  missed_ = true;
  wake();
}

void subscription::wake() {
  if (std::exchange(is_awake_, true)) return;
  if (woken_) woken_();
}

news subscription::next() {
  const std::lock_guard lock(home_->mutex_);
  if (std::exchange(missed_, false)) return {.missed = true, .what = nullptr};
  while (!waiting_.empty()) {
    auto what = std::move(waiting_.front());
    waiting_.pop_front();
    if (!wants(*what)) continue;  // not any more
    if (!may_be_told(*what)) return {.missed = true, .what = nullptr};
    return {.missed = false, .what = std::move(what)};
  }
  is_awake_ = false;
  return {};
}

}  // namespace sluice::transfer
