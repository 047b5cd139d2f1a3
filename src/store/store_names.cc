// Folders and names: made, renamed, dated, removed, synced.
#include <fcntl.h>
#include <linux/fs.h>

#include <cerrno>
#include <string>
#include <utility>

#include "store/naming.h"
#include "store/removal.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

result<bool> folder_store::mkdir(const rel_path& path, bool parents, bool may_exist) {
  if (auto sound = home_->check_writable(); !sound) return std::unexpected(sound.error());
  auto made = make_folder(*home_, path, parents, may_exist);
  if (!made) return std::unexpected(made.error());
  return home_->fresh.on_the_way_to(path);
}

result<void> folder_store::set_mtime(const rel_path& folder, std::int64_t mtime_ns) {
  if (auto sound = home_->check_writable(); !sound) return sound;
  auto opened = home_->open_to_change(folder, "set the time of");
  if (!opened) return std::unexpected(opened.error());
  const struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, to_timespec(mtime_ns)};
  const int answer = uninterrupted([&] { return home_->files.futimens(opened->fd(), times); });
  if (answer < 0) return fail_errno(-answer, doing("set the time of", folder));
  return {};
}

result<void> folder_store::rename(const rel_path& from, const rel_path& to,
                                  const name_policy& policy) {
  const std::string what = doing("rename", from) + " to " + to.text();
  if (from.is_root() || to.is_root()) return fail(errc::not_allowed, what);
  if (auto sound = home_->check_writable(); !sound) return sound;
  if (from.holds(to)) {
    return fail(from == to ? errc::exists : errc::invalid_argument, what + ": into itself");
  }
  auto source = open_place(*home_, from, false, "rename in");
  if (!source) return std::unexpected(source.error());
  auto target = open_place(*home_, to, policy.make_parents, "rename to");
  if (!target) return std::unexpected(target.error());
  auto source_folder = home_->stat_open(source->folder.fd(), what);
  if (!source_folder) return std::unexpected(source_folder.error());
  auto target_folder = home_->stat_open(target->folder.fd(), what);
  if (!target_folder) return std::unexpected(target_folder.error());

  const volume::name_lock unchanged(home_->stripe_of(source_folder->id, source->name),
                                    home_->stripe_of(target_folder->id, target->name));
  auto moved = home_->stat_in(source->folder.fd(), source->name.c_str(), what);
  if (!moved) return std::unexpected(moved.error());
  const named_file named{source->folder.fd(), source->name.c_str(), moved->id, false};
  if (moved->kind == entry_kind::file) return give_name(*home_, named, *target, policy, what);
  result<void> renamed;
  (void)home_->fresh.name(to, [&] {
    renamed = give_name(*home_, named, *target, policy, what);
    return renamed ? 0 : -1;
  });
  return renamed;
}

result<void> folder_store::remove(const rel_path& path, bool recursive) {
  const std::string what = doing("remove", path);
  if (path.is_root()) return fail(errc::not_allowed, what);
  if (auto sound = home_->check_writable(); !sound) return sound;
  auto place = open_place(*home_, path, false, "remove from");
  if (!place) return std::unexpected(place.error());
  auto folder = home_->stat_open(place->folder.fd(), what);
  if (!folder) return std::unexpected(folder.error());

  {
    const volume::name_lock unchanged(home_->stripe_of(folder->id, place->name));
    auto seen = home_->stat_in(place->folder.fd(), place->name.c_str(), what);
    if (!seen) return std::unexpected(seen.error());
    if (seen->kind == entry_kind::file || !recursive) {
      return remove_one(*home_, place->folder.fd(), place->name, seen->kind, what);
    }
  }
  const auto before = home_->fresh.now();
  auto removed = remove_tree(*home_, place->folder.fd(), place->name, what);
  if (removed) home_->fresh.removed(path, before);
  return removed;
}

result<void> folder_store::sync_folder(const rel_path& folder) {
  if (auto sound = home_->check_writable(); !sound) return sound;
  for (rel_path at = folder;; at = at.parent()) {
    auto opened = home_->open_to_change(at, "sync");
    if (!opened) return std::unexpected(opened.error());
    const auto before = home_->fresh.now();
    const int answer = uninterrupted([&] { return home_->files.fsync(opened->fd()); });
    if (auto judged = home_->judge_sync(answer, doing("sync", at)); !judged) return judged;
    home_->fresh.synced(at, before);
    if (!home_->fresh.on_the_way_to(at)) return {};
  }
}

result<void> folder_store::sync_partials() { return home_->sync_partials(); }
result<void> folder_store::sync_volume() { return home_->sync_all(); }
std::optional<error> folder_store::volume_failure() const { return home_->failure(); }
void folder_store::readmit_volume() { home_->readmit(); }

}  // namespace sluice::store
