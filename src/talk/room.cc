#include "talk/room.h"

#include <algorithm>

namespace sluice::talk {
namespace {

std::size_t bytes_of(const message& what) {
  return what.text.size() + what.drawing.size() + what.path.size();
}

}  // namespace

void room::add(spoken_ptr what) {
  recent_bytes_ += bytes_of(what->what());
  recent_.push_back(std::move(what));
  ++next_;
  while (recent_.size() > recent_max || (recent_bytes_ > recent_bytes_max && recent_.size() > 1)) {
    recent_bytes_ -= bytes_of(recent_.front()->what());
    recent_.pop_front();
  }
}

void room::enter(listener& who, const person& as) {
  leave(who);
  listeners_.push_back(&who);
  const std::string key = as.guest || as.account_id.empty() ? "guest " + std::to_string(++guests_)
                                                            : "account " + as.account_id;
  auto& there = present_[key];
  there.who = {as.name, as.guest};
  ++there.times;
  keys_[&who] = key;
  ++here_number_;
  here_.reset();
}

void room::leave(listener& who) {
  const auto key = keys_.find(&who);
  if (key == keys_.end()) return;
  const auto there = present_.find(key->second);
  if (--there->second.times == 0) present_.erase(there);
  keys_.erase(key);
  std::erase(listeners_, &who);
  ++here_number_;
  here_.reset();
}

people_ptr room::here() {
  if (here_) return here_;
  people now;
  now.count = present_.size();
  for (const auto& [key, one] : present_) {
    if (now.named.size() >= people::named_max) break;
    now.named.push_back(one.who);
  }
  here_ = std::make_shared<const people>(std::move(now));
  return here_;
}

}  // namespace sluice::talk
