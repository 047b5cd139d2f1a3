// Small files and folders in groups: thousands are made by many threads, and become durable and
// visible together, for a few syncs in all (group commit).
//
// A final name must show whole content or nothing, also after power loss. So the order for a file
// is: its content is written without a name; a sync makes it durable; it gets its name; a sync
// makes that durable; the digests are committed; the callback is called. One sync of the volume
// serves a whole group, and at the same time the names of the group before: as long as files come,
// there is one sync a group. While it runs the next group is written.
//
// Owner: the server makes one at start. Its functions may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/permission.h"
#include "catalog/uploads.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"

namespace sluice::transfer {

struct small_file {
  explicit small_file(base::permitted<base::right::give> by) : to(std::move(by)) {}

  base::permitted<base::right::give> to;
  std::int64_t mtime_ns = 0;
  bool executable = false;
  std::optional<catalog::replaced_file> replaces;  // none: nothing is ever overwritten
  bool make_parents = false;
};

struct new_folder {
  explicit new_folder(base::permitted<base::right::give> by) : to(std::move(by)) {}

  base::permitted<base::right::give> to;
  bool parents = false;
  bool may_exist = false;
  std::optional<std::int64_t> mtime_ns =
      std::nullopt;  // is set also where the folder existed and may
};

class small_files {
 public:
  // `where` must outlive it.
  explicit small_files(site& where);
  // What waits is still published and called back.
  ~small_files();
  small_files(const small_files&) = delete;
  small_files& operator=(const small_files&) = delete;

  // Checks the digest and writes the content; blocks on the disk, and while too many wait. `done`
  // is called with the entry when the file is durable under its name, from another thread, or with
  // what is wrong, maybe before this returns. `payload` is not used after the return.
  // What is replaced needs the right to change it.
  //   bad_digest; invalid_argument: over 1 MiB, or no path; exists, conflict, not_found: as
  //   `policy_now` of names.h; not_allowed: a right is missing, or was lost before the file had its
  //   name; no_space, io
  void put(const small_file& wanted, std::span<const std::byte> payload,
           const base::digest128& digest, entry_callback done);

  // Makes the folder; blocks on the disk, and while too many wait. `done` is called with it as it
  // is then when it is durable, as for `put`.
  //   exists: the name is taken; not_found: no folder above it, without `parents`
  void make_folder(const new_folder& wanted, entry_callback done);

 private:
  struct written_file {
    store::staged_file file;
    store::rel_path path;
    small_file wanted;
    base::digest128 digest;
    entry_callback done;
  };
  struct named_entry {
    store::entry entry;
    store::rel_path synced_folder;  // makes the name durable
    base::digest128 digest;         // of a file that is not empty
    entry_callback done;
    bool replaced = false;
    bool is_new = true;   // a folder that was there may be told again
    std::string owner{};  // whose budget it counts for, durably; "": nobody's
  };
  // What one sync serves.
  struct group {
    std::vector<written_file> written;  // durable then, and to be named
    std::vector<named_entry> named;     // durable under their names then
    [[nodiscard]] std::size_t size() const { return written.size() + named.size(); }
  };

  [[nodiscard]] result<store::staged_file> write(const small_file& wanted,
                                                 const store::rel_path& path,
                                                 std::span<const std::byte> payload,
                                                 const base::digest128& digest);
  [[nodiscard]] result<std::pair<named_entry, bool>> make(const new_folder& wanted);
  [[nodiscard]] entry_callback recorded(const base::caller_ptr& by, std::string_view what,
                                        const std::string& path, entry_callback done);
  [[nodiscard]] base::budget_ptr budget_of(const base::caller& by) const;
  [[nodiscard]] result<void> charge(const base::caller& by, std::uint64_t bytes,
                                    entry_callback& done);
  [[nodiscard]] std::string counted_owner(const base::caller& by) const;
  void wait_for_room();
  void over(std::size_t count);
  void serve();
  [[nodiscard]] std::vector<named_entry> serve(group now);
  [[nodiscard]] result<void> sync(group& now);
  [[nodiscard]] result<void> sync_apart(group& now);
  [[nodiscard]] static result<void> check_rights(const small_file& wanted);
  [[nodiscard]] result<store::entry> give_name(written_file& one);
  void commit(std::vector<named_entry> files);
  void tell(const named_entry& one);

  site& site_;
  std::mutex mutex_;
  std::condition_variable work_;  // something waits, or the end
  std::condition_variable room_;  // fewer wait
  group waiting_;
  std::size_t under_way_ = 0;  // being written, waiting, or being made durable
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::transfer
