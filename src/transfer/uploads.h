// All uploads: opened, joined, gone on with after a crash, and thrown away when nobody comes back.
//
// An upload belongs to whom began it: to others, but for those with the right `admin`, it is as if
// it were not there. Whoever goes on with one needs the right to give at its path, then as at its
// beginning.
//
// Owner: the server makes one at start. All calls may come from any thread and block on the disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/permission.h"
#include "catalog/uploads.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/allowed_place.h"
#include "transfer/checkpointer.h"
#include "transfer/options.h"
#include "transfer/upload.h"

namespace sluice::transfer {

struct upload_request {
  explicit upload_request(allowed_place<base::right::give> where) : path(std::move(where)) {}

  allowed_place<base::right::give> path;
  std::optional<std::uint64_t> size_bytes;  // not known yet: none
  std::int64_t mtime_ns = 0;
  bool executable = false;
  // None: nothing is ever overwritten. What is replaced needs the right to change it.
  std::optional<catalog::replaced_file> replaces;
  bool make_parents = false;
  bool resume = false;  // go on with an open upload of this path, size and time, if there is one
  bool kept = false;    // or tell of one of this size and time whose own name was taken
  catalog::upload_form form = catalog::upload_form::blocks;  // a part has no path
  std::string note;                // what the protocol keeps with it; see `facts`
  std::vector<std::string> parts;  // of a joined one: the ids of its parts in their order
  bool untold = false;  // its id is told to nobody: it is not resumed, and a restart throws it away
};

struct opened_upload {
  std::shared_ptr<transfer::upload> upload;  // none where it is done
  base::permitted<base::right::give> by;     // to write with
  bool resumed = false;                      // it was open before; ask which blocks it holds
  std::optional<store::entry> done;          // it is finished: the file as it was published
  std::string path;                          // of that file
  bool is_kept = false;                      // only told: see `rename`
  bool is_other = false;                     // an open one of this path has another size or time
};

// What may be told of an upload to those who did not begin it: not its id.
struct upload_facts {
  std::string path;
  std::optional<std::uint64_t> size_bytes;
  std::uint64_t durable_bytes = 0;  // whole blocks, wherever they are
  bool is_active = false;           // somebody uses it, or did a moment ago
};

class uploads {
 public:
  // Recovers what an earlier run left (recovery.h), then starts the threads that make checkpoints.
  // `where` must outlive it.
  [[nodiscard]] static result<std::unique_ptr<uploads>> start(site& where);
  // Makes durable what was received. No upload may be used any more.
  ~uploads();
  uploads(const uploads&) = delete;
  uploads& operator=(const uploads&) = delete;

  // A new upload, or the one to go on with. Its partial and its row are durable when this returns.
  //   exists, conflict, not_found: as `policy_now` of names.h; busy: too many are open;
  //   not_allowed; no_space; invalid_argument
  [[nodiscard]] result<opened_upload> open(const upload_request& wanted);

  // For a further connection, and for one that lost the last answer: a finished upload is
  // remembered for a day. `id` is 32 hexadecimal digits. not_found: no such upload of `who`;
  // not_allowed.
  [[nodiscard]] result<opened_upload> join(const std::string& id, const base::caller_ptr& who);

  // What is on record about it, also when it is done. Errors as `join`.
  [[nodiscard]] result<catalog::upload_row> facts(const std::string& id,
                                                  const base::caller_ptr& who);

  // Of a joined one, in their order: those that are still there. Errors as `join`.
  [[nodiscard]] result<std::vector<catalog::upload_row>> parts(const std::string& id,
                                                               const base::caller_ptr& who);
  // How long one lives on that was idle for so long.
  [[nodiscard]] std::chrono::seconds time_left(std::int64_t idle_s) const;

  // Throws an open one away, and forgets a finished one, whose file stays; waits for one that is
  // being finished. Errors as `join` and
  // `upload::abort`.
  [[nodiscard]] result<void> remove(const std::string& id, const base::caller_ptr& who);

  // Joins the parts of a joined upload, if all of them are whole, and publishes it: then it is
  // done, and the parts are no more. Goes on where it was broken off. None: not all are whole, or
  // another call does it right now. Errors as `join` and `upload::finish`.
  [[nodiscard]] result<std::optional<store::entry>> join_parts(const std::string& id,
                                                               const base::caller_ptr& who);

  // Gives a kept upload the name of `wanted`, and what it may replace there. Errors as `open`, and
  //   not_found: no such upload; conflict: it is not kept any more
  [[nodiscard]] result<opened_upload> rename(const std::string& id, const upload_request& wanted);

  // Uploads that are open, here or only in the catalog.
  [[nodiscard]] std::size_t open_count();
  // The same, one by one, but for those whose id nobody knows, and whose path `who` may not see.
  [[nodiscard]] result<std::vector<upload_facts>> under_way(const base::caller_ptr& who);

  // Asks for a checkpoint of every upload, and waits for them: for an orderly end.
  void drain();

  // Notes that `passed` went by, and throws away what was idle for too long: done by the room's
  // own clock every quarter of an hour.
  [[nodiscard]] result<void> age(std::chrono::seconds passed);

 private:
  class turn;

  // An open upload. `live` is there while somebody uses it, or something of it is not durable yet.
  struct slot {
    std::string path;
    std::optional<std::uint64_t> size_bytes;
    std::int64_t mtime_ns = 0;
    std::shared_ptr<upload> live;
    std::shared_ptr<quota_share> share;
    bool is_in_blocks = true;  // else it is gone on with by its id only
    std::uint64_t number = 0;  // of its events
    std::string owner;
  };

  explicit uploads(site& where);
  [[nodiscard]] result<void> recover();
  [[nodiscard]] result<opened_upload> open_unrecorded(const upload_request& wanted);
  [[nodiscard]] result<std::shared_ptr<upload>> make(const upload_request& wanted);
  [[nodiscard]] result<std::shared_ptr<upload>> load(const std::string& id);
  void wait_for_publishing(const upload_request& wanted);
  [[nodiscard]] result<std::shared_ptr<upload>> find_to_resume(const upload_request& wanted);
  [[nodiscard]] bool has_other(const upload_request& wanted);
  [[nodiscard]] result<std::shared_ptr<upload>> find_kept(const upload_request& wanted);
  [[nodiscard]] result<void> rename_slot(slot& place, const std::string& id,
                                         const upload_request& wanted);
  [[nodiscard]] static result<void> take_wishes(site& where, upload& found,
                                                const upload_request& wanted);
  [[nodiscard]] result<void> reserve();
  [[nodiscard]] result<std::shared_ptr<quota_share>> take_room(const upload_request& wanted);
  [[nodiscard]] result<opened_upload> find_done(const std::string& id, const base::caller_ptr& who);
  [[nodiscard]] result<void> insert(const catalog::upload_row& row,
                                    const std::vector<std::string>& parts);

  // concatenation.cc
  using part_list = std::vector<std::shared_ptr<upload>>;
  class joining;
  [[nodiscard]] static result<void> check_part(catalog::session& s, const std::string& id,
                                               const std::string& owner,
                                               std::set<std::string>& seen);
  [[nodiscard]] result<std::optional<part_list>> find_whole_parts(const std::string& id,
                                                                  const base::caller_ptr& who);
  [[nodiscard]] result<void> copy_parts(const opened_upload& whole, const part_list& parts);
  void forget_parts(const part_list& parts);
  void put_away();
  void tick();
  [[nodiscard]] std::vector<std::shared_ptr<upload>> live();
  void serve();

  site& site_;
  std::mutex mutex_;
  std::map<std::string, slot> slots_;
  std::size_t being_made_ = 0;
  std::set<std::string> being_opened_;  // paths; see `turn`
  std::set<std::string> being_joined_;  // ids
  std::condition_variable opened_;

  std::mutex clock_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  const std::shared_ptr<checkpointer> checkpoints_;
  std::thread clock_;
};

}  // namespace sluice::transfer
