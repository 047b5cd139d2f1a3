// Uploads that lost their name to another writer keep their bytes: whoever has the same content may
// publish them under another name, and sends nothing again.
#include <algorithm>

#include "transfer/names.h"
#include "transfer/uploads.h"

namespace sluice::transfer {
namespace {

using base::right;

bool is_taken(const error& why) noexcept {
  return why.code == errc::exists || why.code == errc::conflict;
}

catalog::upload_row wishes_of(const upload_request& wanted, const std::string& id) {
  catalog::upload_row row;
  row.id = id;
  row.path = wanted.path.text();
  row.executable = wanted.executable;
  row.replaces = wanted.replaces;
  row.make_parents = wanted.make_parents;
  return row;
}

}  // namespace

bool upload::is_kept() const {
  store::rel_path path;
  std::optional<catalog::replaced_file> replaces;
  {
    const std::lock_guard lock(mutex_);
    const bool is_written =
        std::ranges::any_of(writers_, [](const auto& w) { return !w.expired(); });
    if (form_ != catalog::upload_form::blocks) return false;
    if (phase_ != phase::open || row_.state != catalog::upload_state::open) return false;
    // Who was refused is told so before its writer is gone.
    if (is_written && !refused_) return false;
    path = path_;
    replaces = row_.replaces;
  }
  const auto policy = policy_now(site_.store, path, replaces, true);
  return !policy && is_taken(policy.error());
}

result<void> upload::take_name(const store::rel_path& path, const catalog::upload_row& row) {
  const std::lock_guard lock(mutex_);
  if (auto open = check_phase(); !open) return open;
  path_ = path;
  row_.path = row.path;
  row_.executable = row.executable;
  row_.replaces = row.replaces;
  row_.make_parents = row.make_parents;
  refused_ = false;
  return {};
}

// A null pointer where there is none.
result<std::shared_ptr<upload>> uploads::find_kept(const upload_request& wanted) {
  const auto& owner = wanted.path.by().by()->id();
  const std::lock_guard lock(mutex_);
  for (auto& [id, one] : slots_) {
    if (!wanted.size_bytes || !one.is_in_blocks || one.owner != owner ||
        one.size_bytes != wanted.size_bytes || one.mtime_ns != wanted.mtime_ns ||
        one.path == wanted.path.text()) {
      continue;
    }
    auto loaded = load(id);
    if (!loaded && loaded.error().code != errc::not_found) return loaded;
    if (loaded && (*loaded)->is_kept()) return loaded;
  }
  return nullptr;
}

result<opened_upload> uploads::rename(const std::string& id, const upload_request& wanted) {
  const std::string what = "give upload " + id + " the name " + wanted.path.text();
  if (wanted.path.is_root()) return fail(errc::invalid_argument, what);
  {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    const auto& who = wanted.path.by().by();
    if (found == slots_.end()) return find_done(id, who);
    if (found->second.owner != who->id() && !who->may(found->second.path).has(right::admin)) {
      return fail(errc::not_found, what);
    }
    if (found->second.path != wanted.path.text()) {
      auto renamed = rename_slot(found->second, id, wanted);
      if (!renamed) return std::unexpected(renamed.error());
    }
  }
  return join(id, wanted.path.by().by());
}

// With `mutex_` held: of two who want it, the second finds it kept no more.
result<void> uploads::rename_slot(slot& place, const std::string& id,
                                  const upload_request& wanted) {
  if (wanted.replaces) {
    const auto& by = wanted.path.by();
    auto replaced = base::permit<right::change>(by.by(), by.path());
    if (!replaced) return std::unexpected(replaced.error());
  }
  auto policy = policy_now(site_.store, wanted.path.path(), wanted.replaces, wanted.make_parents);
  if (!policy) return std::unexpected(policy.error());
  auto found = load(id);
  if (!found) return std::unexpected(found.error());
  if (!(*found)->is_kept()) {
    return fail(errc::conflict, "rename upload " + id + ": its own name is free, or it is in use");
  }
  const auto row = wishes_of(wanted, id);
  auto committed = site_.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::set_wishes(s, row);
    catalog::set_path(s, id, row.path);
    return {};
  });
  if (!committed) return committed;
  place.path = row.path;
  (*found)->tell(event_kind::upload_ended);
  auto taken = (*found)->take_name(wanted.path.path(), row);
  if (taken) (*found)->tell(event_kind::upload_started);
  return taken;
}

}  // namespace sluice::transfer
