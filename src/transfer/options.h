// What the transfer room is made of: the store, the catalog and the settings, shared by its parts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/audit_log.h"
#include "base/budget.h"
#include "base/limits.h"
#include "catalog/database.h"
#include "sluice/error.h"
#include "store/entry.h"
#include "store/store.h"
#include "transfer/events.h"
#include "transfer/quota.h"

namespace sluice::transfer {

enum class durability : std::uint8_t {
  full,  // what is acknowledged is on stable storage
  none,  // nothing is synced: only to measure what the syncs cost
};

struct options {
  durability syncs = durability::full;
  std::size_t open_uploads_max = 4096;
  std::size_t parts_max = 1024;          // of one joined upload
  std::uint64_t partials_max_bytes = 0;  // all open uploads together; 0: no limit

  // A checkpoint comes after so many bytes or so much time, whichever is first.
  std::uint64_t checkpoint_bytes = std::uint64_t{64} << 20;
  std::chrono::milliseconds checkpoint_interval{1000};
  std::size_t checkpoint_threads = 4;  // uploads whose files are synced at the same time

  // Counted by the steady clock while a server runs, see catalog/uploads.h.
  std::chrono::seconds upload_expiry = std::chrono::hours(7 * 24);
  std::chrono::seconds finished_memory = std::chrono::hours(24);

  std::size_t small_files_waiting_max = 4096;  // made and not yet durable, see small_files.h
};

// Settings of a store that tells of the folders that it makes.
[[nodiscard]] inline store::store_options telling(const std::shared_ptr<events>& whom,
                                                  std::uint64_t reserve_bytes = 0) {
  const auto made = [whom](const store::rel_path& folder) {
    if (whom->has_followers()) whom->tell({.kind = event_kind::made, .path = folder.text()});
  };
  return {.reserve_bytes = reserve_bytes, .on_folder_made = made};
}

// Told, before the request is answered, of what changed its name and of what was removed; a folder
// stands for all in it. May block; what fails fails the request, though the name has changed.
struct name_changes {
  std::function<result<void>(const std::string& from, const std::string& to)> moved{};
  std::function<result<void>(const std::string& path)> removed{};
};

// What a caller has to stay inside: what is shared, and its path.
struct bound_place {
  std::string path;
  store::identity shared;
};

// Who keeps something by a path, and takes it along when that gets another name. Called with all
// other moves waiting, on a thread that may block; short.
class name_keeper {
 public:
  virtual ~name_keeper() = default;
  name_keeper(const name_keeper&) = delete;
  name_keeper& operator=(const name_keeper&) = delete;
  virtual void begin_move(const std::string& from) = 0;
  // Without `to`: it kept its name.
  virtual void end_move(const std::string& from, const std::optional<std::string>& to) = 0;

 protected:
  name_keeper() = default;
};

// Outlives everything made with it. The store has locked its data folder, and `catalog` is in it.
struct site {
  store::folder_store store;
  catalog::database& catalog;
  options opts;
  std::shared_ptr<quota> partials = std::make_shared<quota>();  // what open uploads take
  std::shared_ptr<events> told = std::make_shared<events>();    // who follows what happens
  name_changes names{};                                         // what belongs to names

  // Set before anything is made with it, and not changed after. By a caller's id: what it may not
  // leave, and what it may take in all. Empty: nobody comes by a link, and there are no limits.
  std::function<std::optional<bound_place>(const std::string& caller_id)> bound_to{};
  std::function<base::budget_ptr(const std::string& caller_id)> budget_of{};
  std::vector<name_keeper*> keepers{};
  std::shared_ptr<base::audit_log> audit{};  // the record of what is done; may be none
  std::shared_ptr<std::mutex> moving = std::make_shared<std::mutex>();  // see name_move

  [[nodiscard]] bool syncs() const noexcept { return opts.syncs == durability::full; }
};

// Called once with the file under its final name, or why there is none; on the catalog's or the
// room's own thread: short, blocks on nothing.
using entry_callback = std::move_only_function<void(result<store::entry>)>;

}  // namespace sluice::transfer
