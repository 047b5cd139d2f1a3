// What is kept of those who came lately: never more than so many, then whoever came least lately is
// forgotten. So strangers can come as often as they like.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace sluice::base {

// One thread at a time. References last until the entry is erased or forgotten.
template <class Value>
class recent_map {
 public:
  explicit recent_map(std::size_t entries_max) : entries_max_(entries_max) {}
  recent_map(const recent_map&) = delete;
  recent_map& operator=(const recent_map&) = delete;

  // The entry of `who`, who is now the latest; made from `fresh` if there is none.
  Value& touch(const std::string& who, Value fresh) {
    if (const auto known = found_.find(who); known != found_.end()) {
      entries_.splice(entries_.begin(), entries_, known->second);
      return known->second->second;
    }
    if (entries_.size() >= entries_max_) {
      found_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(who, std::move(fresh));
    found_.emplace(who, entries_.begin());
    return entries_.front().second;
  }

  // nullptr: there is none. Changes nothing in who is the latest.
  [[nodiscard]] Value* find(const std::string& who) {
    const auto known = found_.find(who);
    return known == found_.end() ? nullptr : &known->second->second;
  }

  void erase(const std::string& who) {
    const auto known = found_.find(who);
    if (known == found_.end()) return;
    entries_.erase(known->second);
    found_.erase(known);
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  using entries = std::list<std::pair<std::string, Value>>;  // the latest first

  const std::size_t entries_max_;
  entries entries_;
  std::unordered_map<std::string, typename entries::iterator> found_;
};

}  // namespace sluice::base
