// The served folder as a tree: looked at and changed, durably, with the catalog kept in step.
// Folders are made by small_files.h, together with the files that come into them.
//
// Thread-safe; all calls block on the disk. Whoever calls has asked whether it may. Paths are as in
// a request: `invalid_argument` or `not_allowed` where they are none.
#pragma once

#include <cstdint>
#include <optional>

#include "base/permission.h"
#include "catalog/uploads.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"

namespace sluice::transfer {

class tree {
 public:
  // `where` must outlive it.
  explicit tree(site& where) : site_(where) {}

  // Of a file it lists the one entry, with an empty name.
  [[nodiscard]] result<store::listing> list(const base::permitted<base::right::see>& where,
                                            const store::list_options& how = {});
  [[nodiscard]] result<store::entry> stat(const base::permitted<base::right::see>& what);
  // To talk about what is there, by its plain path; whoever talks about it may see it.
  [[nodiscard]] result<base::permitted<base::right::talk>> permit_talk(const base::caller_ptr& who,
                                                                       const std::string& path);
  [[nodiscard]] result<store::volume_space> space() { return site_.store.space(); }
  // Why the volume refuses writes, if it does.
  [[nodiscard]] std::optional<error> volume_failure() { return site_.store.volume_failure(); }

  // A file or a folder, with what is known of it: that belongs to the file and not to its name.
  // What is replaced needs the right to change it. Nobody comes to see or take by a new name what
  // could not be seen or taken before.
  //   exists: `to` is taken, and `replaces` is not given; conflict: `replaces` names something
  //   else; not_allowed, not_found: one of these rights is missing
  [[nodiscard]] result<store::entry> rename(const base::permitted<base::right::change>& from,
                                            const base::permitted<base::right::give>& to,
                                            const std::optional<catalog::replaced_file>& replaces);

  // And forgets what is known of it, and of all that is in it.
  //   not_empty: a folder, without `recursive`; not_found; not_allowed: the served folder itself
  [[nodiscard]] result<void> remove(const base::permitted<base::right::change>& what,
                                    bool recursive);

 private:
  [[nodiscard]] result<store::entry> rename_unrecorded(
      const base::permitted<base::right::change>& from,
      const base::permitted<base::right::give>& to,
      const std::optional<catalog::replaced_file>& replaces);
  [[nodiscard]] result<void> remove_unrecorded(const base::permitted<base::right::change>& what,
                                               bool recursive);
  void forget(const store::entry& gone);
  void forget_below(const store::rel_path& folder);
  [[nodiscard]] result<void> sync(const store::rel_path& folder);
  void tell_renamed(const store::rel_path& from, const store::rel_path& to,
                    const result<store::entry>& there);

  site& site_;
};

}  // namespace sluice::transfer
