// One connection that is in rooms: what it has not heard yet of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/permission.h"
#include "talk/message.h"
#include "talk/room.h"

namespace sluice::talk {

class conversations;

// One piece of news.
struct news {
  enum class kind : std::uint8_t {
    none,     // there is no more
    message,  // said, or changed: `said`
    here,     // who is there: `people`
    typing,   // `name` writes something
    moved,    // what `path` was is `name` now
    left,     // nothing more is told of the room, because of `name`
    missed,   // messages behind `version` are not told: join again
  };
  kind what = kind::none;
  std::string path{};
  std::string name{};
  std::int64_t version = 0;
  spoken_ptr said{};
  people_ptr people{};
};

// It holds no messages but remembers how far it has heard, so that one who does not read costs
// nothing; behind more than a room remembers, it misses them and is told so.
//
// Any thread, one at a time; `woken` is called from others, with a lock held: it may only post.
class listener {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t rooms_max = 32;
  static constexpr std::chrono::milliseconds here_pause{500};     // between two `here` of a room
  static constexpr std::chrono::milliseconds typing_pause{1000};  // between two `typing` by it
  static constexpr std::size_t typing_max = 4;                    // waiting to be told

  listener(std::shared_ptr<conversations> home, std::function<void()> woken);
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  // From now on it hears of the room, once `begin` is called: so whoever reads what was said up to
  // the version that this tells has all of it. Again for a room that it is in: the same anew.
  // Blocks on the catalog.
  //   busy: in `rooms_max` already; not_found, not_allowed: it may not see it; invalid_argument:
  //   the name of a guest
  [[nodiscard]] result<std::int64_t> join(const base::permitted<base::right::talk>& where,
                                          const person& as);
  // Messages up to `told_version` were told.
  void begin(const std::string& path, std::int64_t told_version);
  // False where it was not there.
  bool leave(const std::string& path);
  // The others hear that it writes something.
  void type(const std::string& path, clock::time_point now);
  // invalid_argument where it is not there.
  [[nodiscard]] result<person> person_in(const std::string& path) const;
  // Null where it is not there.
  [[nodiscard]] people_ptr people_in(const std::string& path) const;

  // The next piece. Nothing is told of a room where the right to talk, or to see, was lost.
  [[nodiscard]] news next(clock::time_point now);
  // Whether there may be something that nobody is woken for: who is there, after the pause, or a
  // right that was lost.
  [[nodiscard]] bool has_late_news(clock::time_point now) const;

 private:
  friend class conversations;
  struct membership {
    std::shared_ptr<room> where;
    std::string path;  // as it was told last
    person as;
    base::permitted<base::right::talk> may_talk;
    base::permitted<base::right::see> may_see;
    std::uint64_t next = 0;  // in `where`
    std::int64_t told_version = 0;
    bool begun = false;
    std::uint64_t told_here = 0;
    clock::time_point told_here_at{};
    clock::time_point typed_at{};
    std::vector<std::string> typing{};
  };

  [[nodiscard]] result<void> enter(const base::permitted<base::right::talk>& where,
                                   const person& as);
  // With the lock of `home_`.
  [[nodiscard]] membership* find(const std::string& path);
  [[nodiscard]] const membership* find(const std::string& path) const;
  [[nodiscard]] std::optional<news> next_of(membership& in, clock::time_point now);
  [[nodiscard]] std::optional<news> next_message(membership& in);
  [[nodiscard]] static bool follow(membership& in);
  [[nodiscard]] static std::string why_lost(const membership& in);
  void hear_typing(const room& where, const std::string& name);
  void hear_of_people(const room& where, clock::time_point now);
  void drop(std::size_t index);
  void wake();

  const std::shared_ptr<conversations> home_;
  const std::function<void()> woken_;
  std::vector<membership> rooms_;
  std::size_t turn_ = 0;  // whose news come next
  bool is_awake_ = false;
};

}  // namespace sluice::talk
