// Small files in groups: thousands are written by many threads, and become durable and visible
// together, for a few syncs in all.
//
// A final name must show whole content or nothing, also after power loss. So the order for a group
// is: all content is written without a name; one sync of the volume makes it durable; all get
// their names; their folders are synced; the digests are committed; the callbacks are called.
// While one group is synced the next one is written.
//
// Owner: the server makes one at start. `put` may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "catalog/uploads.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"

namespace sluice::transfer {

struct small_file {
  std::string path;  // as in the request
  std::int64_t mtime_ns = 0;
  bool executable = false;
  std::optional<catalog::replaced_file> replaces;  // none: nothing is ever overwritten
  bool make_parents = false;
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
  //   bad_digest; invalid_argument: over 1 MiB, or no path; exists, conflict, not_found: as
  //   `policy_now` of names.h; no_space, io
  void put(const small_file& wanted, std::span<const std::byte> payload,
           const base::digest128& digest, entry_callback done);

 private:
  struct written_file {
    store::staged_file file;
    store::rel_path path;
    small_file wanted;
    base::digest128 digest;
    entry_callback done;
    std::optional<store::entry> published;
  };
  using group = std::vector<written_file>;

  [[nodiscard]] result<store::staged_file> write(const small_file& wanted,
                                                 const store::rel_path& path,
                                                 std::span<const std::byte> payload,
                                                 const base::digest128& digest);
  void serve();
  void publish(group files);
  [[nodiscard]] result<void> sync_content(group& files);
  [[nodiscard]] result<void> give_name(written_file& one);
  [[nodiscard]] result<void> sync_names(const group& files);
  void commit(group files);
  static void refuse(group& files, const error& why);

  site& site_;
  std::mutex mutex_;
  std::condition_variable work_;  // something waits, or the end
  std::condition_variable room_;  // fewer wait
  std::deque<written_file> queue_;
  std::size_t under_way_ = 0;  // being written, waiting or being published
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::transfer
