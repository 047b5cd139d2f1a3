// Taking a name: what a request may replace, and putting a finished file under its name for good.
#pragma once

#include <optional>

#include "catalog/content.h"
#include "catalog/uploads.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"

namespace sluice::transfer {

[[nodiscard]] inline catalog::file_identity to_catalog(const store::identity& id) {
  return {id.dev, id.ino, id.btime_ns};
}
[[nodiscard]] inline store::identity to_store(const catalog::file_identity& id) {
  return {id.dev, id.ino, id.btime_ns};
}

// Looks at what has the name now, and makes the store's policy for exactly that.
//   exists: the name is taken, and `replaces` is not given; conflict: `replaces` names something
//   else than what is there; not_found: no folder above it, without `make_parents`
[[nodiscard]] result<store::name_policy> policy_now(
    const store::folder_store& where, const store::rel_path& path,
    const std::optional<catalog::replaced_file>& replaces, bool make_parents);

// `changed` of the store, where the name got another file between `policy_now` and the step, is the
// `conflict` that it would have been.
[[nodiscard]] error as_conflict(error why);

// Makes a published name durable: its folders, then the partials that it left.
[[nodiscard]] result<void> sync_name(site& where, const store::rel_path& path);

// A file that was written to just now may be written to again within the same tick of the volume's
// clock, and then looks unchanged: what is known of it is not kept.
[[nodiscard]] bool may_still_change(const store::entry& file);

}  // namespace sluice::transfer
