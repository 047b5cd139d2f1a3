// Where content lives: an ordinary folder on Linux, served as it is.
//
// Calls block on the disk and belong on a pool, never on an I/O thread. All are thread-safe.
// Nothing here knows a protocol, a right or an account.
//
// Durability (docs/durability.md): bytes are safe after `partial::sync`, a finished file's form
// after `partial::finish`, a name after `sync_folder` of the folder that holds it (and
// `sync_partials`), and everything at once after `sync_volume`. Nothing else syncs, but for the
// names of folders that the publishing of a partial makes, and nothing is safe earlier.
//
// Failures of the volume: when a sync fails for another reason than space, the volume refuses all
// later writes with `io` and says since when and why, until `readmit_volume`. Reading goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "sluice/error.h"
#include "store/content.h"
#include "store/entry.h"
#include "store/file.h"
#include "store/listing.h"
#include "store/partial.h"
#include "store/path.h"
#include "store/staged.h"

namespace sluice::store {

struct store_options {
  std::uint64_t reserve_bytes = 0;  // free space that uploads leave alone
  // Called for each folder that was made, also above a name, on the caller's thread: short.
  std::function<void(const rel_path&)> on_folder_made{};
};

struct volume_space {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;    // to this process
  std::uint64_t usable_bytes = 0;  // free less the reserve
};

// A handle; copies share the same store, and partials, contents and listings keep it open.
class folder_store {
 public:
  // Opens `root`, which must exist, with its state in `data_dir` ("" is root/.sluice), which is
  // made with mode 0700 as is its `partials`. Leftovers of unfinished small files are removed.
  // `files` must outlive everything.
  //   unsupported: the kernel has no openat2; not_allowed: partials on another volume than the
  //   root; invalid_argument: the data folder would be served, or the root lies inside it; busy:
  //   another server uses the data folder; not_found, not_a_file, io
  [[nodiscard]] static result<folder_store> open(file_layer& files,
                                                 const std::filesystem::path& root,
                                                 const std::filesystem::path& data_dir = {},
                                                 const store_options& options = {});

  // --- Reading ---

  // Symbolic links and special files are `not_found`, here and in all that follows; so is
  // everything behind a link in the middle of a path.
  [[nodiscard]] result<entry> stat(const rel_path& path) const;
  [[nodiscard]] result<std::shared_ptr<const content>> open_content(const rel_path& path) const;
  // The same without waiting for the disk, for threads that must not: nullopt where that cannot be
  // had, or not be promised (a volume that is not a local disk, a folder that is another volume).
  [[nodiscard]] std::optional<result<std::shared_ptr<const content>>> try_open_content(
      const rel_path& path) const;
  // For `content::read_at_rest`: what the disk holds, whatever the page cache says.
  [[nodiscard]] result<std::shared_ptr<const content>> open_at_rest(const rel_path& path) const;
  [[nodiscard]] result<listing> list(const rel_path& folder,
                                     const list_options& options = {}) const;

  // --- Receiving ---

  // Makes the partial and allocates `expected_bytes` (0: unknown), so that a full volume answers
  // now.
  //   no_space: not enough, or not without the reserve; exists: the id is taken
  [[nodiscard]] result<std::shared_ptr<partial>> create_partial(const partial_id& id,
                                                                std::uint64_t expected_bytes);
  [[nodiscard]] result<std::shared_ptr<partial>> open_partial(const partial_id& id);
  [[nodiscard]] result<void> remove_partial(const partial_id& id);

  // Calls `visit` for each until it returns false. Holds no list in memory.
  [[nodiscard]] result<void> list_partials(
      const std::function<bool(const partial_info&)>& visit) const;

  // Gives a finished partial its name, in one atomic step; the partial is gone then. Of several who
  // want one free name exactly one gets it. Not durable until
  // `sync_folder` of its folder, which makes the way to it durable too.
  //   exists: the name is taken, or the folder above is a file; changed: the name holds something
  //   else than `replaced`; not_found: no such parent, or the partial is gone; conflict: not
  //   finished
  [[nodiscard]] result<entry> publish(partial& from, const rel_path& path,
                                      const name_policy& policy = no_replace);

  // The two steps of `put_small` apart, so that the content of many files can be made durable by
  // one `sync_volume` before any of them gets its name. Errors as `publish`; `will_replace` must be
  // the `replaces` of the policy.
  [[nodiscard]] result<staged_file> stage_small(std::span<const std::byte> bytes,
                                                std::int64_t mtime_ns, bool executable,
                                                bool will_replace);
  // Makes the content of this one durable: cheaper than `sync_volume` for very few.
  [[nodiscard]] result<void> sync(staged_file& file);
  [[nodiscard]] result<entry> publish(staged_file& from, const rel_path& path,
                                      const name_policy& policy = no_replace);

  // A whole small file (at most `small_file_bytes_max`), made and published in one go. Readers see
  // all of it or nothing. Never syncs: call `sync_volume` once for many. Errors as `publish`.
  [[nodiscard]] result<entry> put_small(const rel_path& path, std::span<const std::byte> bytes,
                                        std::int64_t mtime_ns, bool executable,
                                        const name_policy& policy = no_replace);

  // --- Names ---

  // True where the folder's name, or the way to it, is not durable yet: `sync_folder`.
  //   exists: the name is taken and `may_exist` is false, or it is a file; not_found: no such
  //   parent
  [[nodiscard]] result<bool> mkdir(const rel_path& path, bool parents, bool may_exist);
  [[nodiscard]] result<void> set_mtime(const rel_path& folder, std::int64_t mtime_ns);

  // A file or a folder. Only a file can be replaced, and only by a file. Errors as `publish`.
  [[nodiscard]] result<void> rename(const rel_path& from, const rel_path& to,
                                    const name_policy& policy = no_replace);

  // `recursive` takes a folder with all that is in it, hidden names too; links are removed, never
  // followed, and mounted volumes are not entered.
  //   not_empty: a folder, without `recursive`; not_allowed: the root
  [[nodiscard]] result<void> remove(const rel_path& path, bool recursive);

  // --- Durability ---

  // Makes the names in `folder` durable, and those of the folders on the way to it that were made
  // or renamed, by whomever, and not synced since.
  [[nodiscard]] result<void> sync_folder(const rel_path& folder);
  [[nodiscard]] result<void> sync_partials();

  // Makes everything durable that was done on the volume before the call (syncfs). Calls made while
  // one runs share the next one.
  [[nodiscard]] result<void> sync_volume();

  // Why the volume refuses writes, if it does; and letting it accept them again. Partials that were
  // poisoned stay so.
  [[nodiscard]] std::optional<error> volume_failure() const;
  void readmit_volume();

  [[nodiscard]] result<volume_space> space() const;

 private:
  explicit folder_store(std::shared_ptr<volume> home) : home_(std::move(home)) {}

  [[nodiscard]] static result<std::shared_ptr<const content>> content_of(
      const std::shared_ptr<volume>& home, open_file opened, const rel_path& path);

  std::shared_ptr<volume> home_;
};

}  // namespace sluice::store
