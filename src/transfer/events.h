// What happens to the served folder, told to those who follow it: names that come, go and change,
// and how far uploads are.
//
// Told by the use cases of this room, so that it is the same whatever protocol asked for it. What
// another program does in the folder is not told. A follower that does not keep up loses what it
// missed, and is told so; it never holds up who tells, and its memory has a bound.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/permission.h"
#include "sluice/error.h"
#include "store/entry.h"
#include "store/path.h"

namespace sluice::transfer {

enum class event_kind : std::uint8_t {
  stored,           // a file is there, whole and durable; see `entry`
  made,             // a folder is there
  renamed,          // what was `from` is `path` now; see `entry`
  removed,          // a file or a folder with all in it; of `entry` only the kind counts
  upload_started,   // somebody begins to send what is to become `path`
  upload_progress,  // so much of it is durable
  upload_finished,  // it became the file: `stored` follows
  upload_ended,     // it was thrown away
};

// A value. Paths are below the served folder, as `rel_path::text` has them.
struct event {
  event_kind kind = event_kind::stored;
  std::string path{};
  std::string from{};
  store::entry entry{};
  bool replaced = false;                      // of `stored`: another file had the name
  std::uint64_t upload = 0;                   // tells uploads apart while the server runs
  std::optional<std::uint64_t> size_bytes{};  // of an upload; none: not known yet
  std::uint64_t durable_bytes = 0;            // of an upload, wherever in it they are
  std::uint64_t number = 0;                   // in the order of telling; set by `tell`
};

// Whether one who follows `folder`, or also all below it, wants to hear of what happens to `path`:
// that is in it, is it, or holds it.
[[nodiscard]] bool concerns(const std::string& folder, bool recursive,
                            const std::string& path) noexcept;

// One piece of news for a follower.
struct news {
  bool missed = false;  // some were lost before this: what is known has to be read anew
  std::shared_ptr<const event> what;  // null where `missed`, or where there is nothing new
  [[nodiscard]] bool is_none() const noexcept { return !missed && !what; }
};

class subscription;

// Owner: the site (options.h), shared with subscriptions. All calls from any thread; none blocks on
// anything but the short lock of this.
class events : public std::enable_shared_from_this<events> {
 public:
  void tell(event what);
  // Something happened of which nobody knows how far it got: all followers missed it.
  void tell_missed();

  // False: nobody would hear. Spares who tells the work of finding out.
  [[nodiscard]] bool has_followers() const noexcept { return followers_count_ > 0; }

  [[nodiscard]] std::uint64_t next_upload() noexcept { return ++uploads_; }

  // `woken` is called when there is news for one who had none, with a lock held: it may only post.
  [[nodiscard]] std::unique_ptr<subscription> subscribe(std::function<void()> woken);

 private:
  friend class subscription;

  std::mutex mutex_;
  std::vector<subscription*> followers_;
  std::atomic<std::size_t> followers_count_ = 0;
  std::atomic<std::uint64_t> uploads_ = 0;
  std::uint64_t number_ = 0;
};

// What one follower wants to hear, and what it has not heard yet. It may be used from any thread,
// one at a time; `woken` is not called any more once it is gone.
class subscription {
 public:
  static constexpr std::size_t folders_max = 32;
  static constexpr std::size_t waiting_max = 1024;  // then they are missed

  subscription(std::shared_ptr<events> home, std::function<void()> woken);
  ~subscription();
  subscription(const subscription&) = delete;
  subscription& operator=(const subscription&) = delete;

  // From now on, and as long as it may be seen; a folder that is followed already is followed as is
  // said now.
  //   busy: `folders_max` are followed; invalid_argument, not_allowed: as `rel_path::parse`
  [[nodiscard]] result<void> follow(const base::permitted<base::right::see>& folder,
                                    bool recursive);
  // False where it was not followed.
  bool unfollow(const store::rel_path& folder);

  // The next piece. Of several reports on one upload that wait only the newest is left. One that
  // names what may not be seen is missed instead.
  [[nodiscard]] news next();
  // Something that is followed may not be seen any more: nothing is told of it.
  [[nodiscard]] bool has_lost_a_right() const;

 private:
  friend class events;
  struct followed {
    std::string folder;
    bool recursive = false;
    base::permitted<base::right::see> by;
  };

  // With the lock of `home_`.
  [[nodiscard]] bool wants(const event& what) const;
  [[nodiscard]] bool may_be_told(const event& what) const;
  void add(const std::shared_ptr<const event>& what);
  void miss();
  void wake();

  const std::shared_ptr<events> home_;
  const std::function<void()> woken_;
  std::vector<followed> folders_;
  std::deque<std::shared_ptr<const event>> waiting_;
  bool missed_ = false;
  bool is_awake_ = false;
};

}  // namespace sluice::transfer
