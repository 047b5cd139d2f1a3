// Conversations about files and folders: rooms, what is said in them, and who is there.
//
// A room belongs to a path, comes with the first message, moves with a rename and ends with a
// removal. It remembers which file it is about: where another program gave that another name, it
// comes along once somebody asks for it there and nothing has the old name. What is said is durable
// before anybody hears of it, and everybody hears it in one order: that of the commits. Knows no
// protocol and no folder: whoever asks for a path knows that it is there, and gives it as
// store::rel_path has it.
//
// Owner: the server, shared with the work that the catalog still does for it. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/permission.h"
#include "catalog/database.h"
#include "sluice/error.h"
#include "talk/listener.h"
#include "talk/message.h"
#include "talk/pace.h"
#include "talk/room.h"
#include "talk/sweep.h"

namespace sluice::talk {

struct options {
  pace_limits pace{};
  std::int64_t room_messages_max = 1'000'000;  // also those that were deleted
  // What is at a path; not_found: nothing. Blocks on the disk. None: rooms do not follow files.
  std::function<result<catalog::file_identity>(const std::string& path)> identify{};
};

// Which messages of a room: one of these.
struct question {
  static constexpr std::int64_t limit_max = 500;
  std::int64_t limit = 100;
  std::optional<std::int64_t> before{};         // lower ids; none: the newest
  std::optional<std::int64_t> after_version{};  // what changed since
  std::optional<std::string> search{};
};

struct page {
  std::vector<message> messages;  // by id; of `after_version` by version
  std::int64_t version = 0;       // of the room when it was read
  bool more = false;              // before these; of `after_version` behind them
};

// With the message as it is now; on the catalog's thread or inside the call: short, blocks on
// nothing.
using message_callback = std::move_only_function<void(result<spoken_ptr>)>;

class conversations : public std::enable_shared_from_this<conversations> {
 public:
  using talk_right = base::permitted<base::right::talk>;

  // `database` outlives it.
  [[nodiscard]] static std::shared_ptr<conversations> open(catalog::database& database,
                                                           options opts = {});

  // Both may wait for room in the catalog's queue: not from an I/O thread. `done` is called when it
  // is durable.
  //   invalid_argument: see message.h; busy: too fast; no_space: the room is full; not_found,
  //   not_allowed: it may not see the path
  void say(const talk_right& where, draft what, person by, message_callback done);
  // Text and deletion of one's own, or as admin; `resolved` by anybody who talks there.
  //   the same; not_found: no such message; not_allowed: it is another's
  void amend(const talk_right& where, amendment what, const person& by, message_callback done);

  // Blocks on the catalog. invalid_argument: a limit that is none
  [[nodiscard]] result<page> read(const talk_right& where, const question& what);

  [[nodiscard]] std::unique_ptr<listener> listen(std::function<void()> woken);

  // What is at `from` is about to get another name: its rooms wait for `moved`, or for `not_moved`,
  // and follow nobody who finds the file under its new name before.
  void begin_move(const std::string& from);
  void not_moved(const std::string& from);
  // What is at `from`, with all below it, is at `to` now; what was there before is gone. Blocks on
  // the catalog, where there are such rooms.
  [[nodiscard]] result<void> moved(const std::string& from, const std::string& to);
  [[nodiscard]] result<void> removed(const std::string& path);

 private:
  friend class listener;
  explicit conversations(catalog::database& database, options opts)
      : database_(database),
        opts_(std::move(opts)),
        pace_(opts_.pace),
        sweep_(sweep::open(database)) {}

  [[nodiscard]] result<void> check(const talk_right& where, const person& by);
  [[nodiscard]] result<message> keep(catalog::session& s, const catalog::room_row& room,
                                     const draft& what, const person& by, bool& is_new) const;
  [[nodiscard]] catalog::file_identity file_at(const std::string& path) const;
  [[nodiscard]] result<void> fetch_room(const std::string& path);
  [[nodiscard]] bool is_gone(const std::string& path);
  [[nodiscard]] result<void> move_all(const std::string& from, const std::string& to);
  using change = std::move_only_function<result<message>(catalog::session&, bool& is_new)>;
  void commit(change how, message_callback done);
  void tell(const spoken_ptr& said);
  [[nodiscard]] result<bool> knows_rooms(const std::string& path);
  [[nodiscard]] result<void> change_rooms(std::function<void(catalog::session&)> how,
                                          const std::function<void()>& follow);

  // With the lock; for listeners.
  [[nodiscard]] std::shared_ptr<room> enter(const std::string& path, listener& who,
                                            const person& as);
  void leave(room& where, listener& who);
  static void tell_people(const room& where);
  void take_along(std::shared_ptr<room> what, const std::string& to);
  static void end(room& what, const std::string& why);
  void end_rooms(const std::string& path, const std::string& why);

  catalog::database& database_;
  const options opts_;
  pace pace_;
  const std::shared_ptr<sweep> sweep_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<room>> rooms_;  // with somebody in them
  std::multiset<std::string> moving_;                             // see `begin_move`
};

}  // namespace sluice::talk
