// A room with somebody in it, in memory: what was said a moment ago, and who is there. Internal to
// this folder; used with the lock of `conversations` only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "talk/message.h"

namespace sluice::talk {

class listener;

struct person_there {
  std::string name;
  bool guest = false;
};

// Who is in a room, told as a whole. Made once for all who hear it.
struct people {
  static constexpr std::size_t named_max = 50;
  std::vector<person_there> named;  // in no order that means anything
  std::size_t count = 0;            // of all of them; an account counts once
};
using people_ptr = std::shared_ptr<const people>;

class room {
 public:
  // What listeners may be behind; more of it is missed by those who are slower.
  static constexpr std::size_t recent_max = 256;
  static constexpr std::size_t recent_bytes_max = std::size_t{256} << 10;

  explicit room(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  void move_to(std::string path) { path_ = std::move(path); }
  // "": it goes on.
  [[nodiscard]] const std::string& why_ended() const noexcept { return why_ended_; }
  void end(std::string why) { why_ended_ = std::move(why); }

  // --- what was said: numbered here from 1 on, in the order of the commits ---
  void add(spoken_ptr what);
  [[nodiscard]] std::uint64_t first() const noexcept { return next_ - recent_.size(); }
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  [[nodiscard]] const spoken_ptr& at(std::uint64_t number) const {
    return recent_[number - first()];
  }

  // --- who is there ---
  void enter(listener& who, const person& as);
  void leave(listener& who);
  [[nodiscard]] const std::vector<listener*>& listeners() const noexcept { return listeners_; }
  [[nodiscard]] std::uint64_t here_number() const noexcept { return here_number_; }
  [[nodiscard]] people_ptr here();

 private:
  struct presence {
    person_there who;
    std::size_t times = 0;
  };

  std::string path_;
  std::string why_ended_;
  std::deque<spoken_ptr> recent_;
  std::size_t recent_bytes_ = 0;
  std::uint64_t next_ = 1;
  std::vector<listener*> listeners_;
  std::map<std::string, presence, std::less<>> present_;  // by account, or by a number
  std::map<const listener*, std::string> keys_;           // in `present_`
  std::uint64_t here_number_ = 0;                         // of the last change
  people_ptr here_;                                       // null: not made since then
  std::uint64_t guests_ = 0;                              // who ever came
};

}  // namespace sluice::talk
