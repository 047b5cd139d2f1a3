#include "transfer/names.h"

#include <chrono>

namespace sluice::transfer {
namespace {

result<store::name_policy> policy_for(const store::entry& there, const store::rel_path& path,
                                      const catalog::replaced_file& replaces) {
  if (there.kind != store::entry_kind::file) {
    return fail(errc::conflict, "replace " + path.text() + ": it is a folder");
  }
  if (there.size_bytes != replaces.size_bytes || there.mtime_ns != replaces.mtime_ns) {
    return fail(errc::conflict,
                "replace " + path.text() + ": it is not the file that the request names");
  }
  return store::replace(there.id);
}

result<void> check_parent(const store::folder_store& where, const store::rel_path& path) {
  auto parent = where.stat(path.parent());
  if (!parent) return std::unexpected(parent.error());
  if (parent->kind == store::entry_kind::folder) return {};
  return fail(errc::exists, "make " + path.text() + ": what is above it is a file");
}

}  // namespace

result<store::name_policy> policy_now(const store::folder_store& where, const store::rel_path& path,
                                      const std::optional<catalog::replaced_file>& replaces,
                                      bool make_parents) {
  const auto there = where.stat(path);
  if (there && replaces) return policy_for(*there, path, *replaces);
  if (there) return fail(errc::exists, "make " + path.text() + ": the name is taken");
  if (there.error().code != errc::not_found) return std::unexpected(there.error());
  if (replaces) {
    return fail(errc::conflict, "replace " + path.text() + ": there is no such file any more");
  }
  if (!make_parents) {
    if (auto found = check_parent(where, path); !found) return std::unexpected(found.error());
  }
  return store::name_policy{.replaces = false, .make_parents = make_parents, .replaced = {}};
}

error as_conflict(error why) {
  if (why.code == errc::changed) why.code = errc::conflict;
  return why;
}

result<void> sync_name(site& where, const store::rel_path& path) {
  if (!where.syncs()) return {};
  auto synced = where.store.sync_folder(path.parent());
  if (synced) return where.store.sync_partials();
  // A sync that failed is not tried again: the volume refuses, save where only space was missing.
  // Else none failed, and another program moved the folder away since: all that is on the volume is
  // synced, wherever it is.
  if (synced.error().code == errc::no_space) return synced;
  return where.store.sync_volume();
}

bool may_still_change(const store::entry& file) {
  using namespace std::chrono;
  const auto now_ns = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
  constexpr std::int64_t tick_ns = 2'000'000'000;
  return file.mtime_ns > now_ns - tick_ns && file.mtime_ns <= now_ns;
}

}  // namespace sluice::transfer
