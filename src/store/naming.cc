#include "store/naming.h"

#include <fcntl.h>
#include <linux/fs.h>

#include <cerrno>
#include <utility>

namespace sluice::store {

namespace {

// True where the place holds this very file: an earlier attempt got that far.
bool holds_already(volume& home, const name_place& to, const identity& id) {
  auto seen = home.stat_in(to.folder.fd(), to.name.c_str(), "");
  return seen && seen->id == id;
}

// The new name first for good: a volume may forget it, and remember that the old one is gone.
result<void> drop_source(volume& home, const named_file& from, const name_place& to,
                         const std::string& what) {
  const int synced = uninterrupted([&] { return home.files.fsync(to.folder.fd()); });
  if (auto judged = home.judge_sync(synced, what); !judged) return judged;
  const int answer =
      uninterrupted([&] { return home.files.unlinkat(from.folder_fd, from.name, 0); });
  if (answer < 0 && answer != -ENOENT) return fail_errno(-answer, what);
  return {};
}

result<void> take_free_name(volume& home, const named_file& from, const name_place& to,
                            const std::string& what) {
  file_layer& files = home.files;
  const int to_fd = to.folder.fd();
  int answer = uninterrupted([&] {
    return files.renameat2(from.folder_fd, from.name, to_fd, to.name.c_str(), RENAME_NOREPLACE);
  });
  if (answer == -EINVAL) {  // a volume without RENAME_NOREPLACE: the link is what takes the name
    answer = uninterrupted(
        [&] { return files.linkat(from.folder_fd, from.name, to_fd, to.name.c_str(), 0); });
    if (answer == 0) return drop_source(home, from, to, what);
  }
  if (answer == 0) return {};
  const bool maybe_done = from.may_be_done && (answer == -EEXIST || answer == -ENOENT);
  if (maybe_done && holds_already(home, to, from.id)) {
    return drop_source(home, from, to, what);
  }
  return fail_errno(-answer, what);
}

result<void> replace_name(volume& home, const named_file& from, const name_place& to,
                          const identity& expected, const std::string& what) {
  auto seen = home.stat_in(to.folder.fd(), to.name.c_str(), what);
  if (from.may_be_done && seen && seen->id == from.id) return drop_source(home, from, to, what);
  if (!seen && seen.error().code != errc::not_found) return std::unexpected(seen.error());
  if (!seen || seen->id != expected) {
    return fail(errc::changed,
                what + ": the name holds something else than what is to be replaced");
  }
  if (seen->kind != entry_kind::file) return fail(errc::not_a_file, what);
  const int answer = uninterrupted([&] {
    return home.files.renameat2(from.folder_fd, from.name, to.folder.fd(), to.name.c_str(), 0);
  });
  if (answer < 0) return fail_errno(-answer, what);
  return {};
}

}  // namespace

result<name_place> open_place(volume& home, const rel_path& path, bool make_parents,
                              std::string_view verb) {
  name_place place;
  place.name = path.name();
  auto folder = home.open_to_change(path.parent(), verb);
  if (!folder && folder.error().code == errc::not_found && make_parents) {
    auto made = make_folder(home, path.parent(), true, true);
    if (!made) return std::unexpected(made.error());
    folder = home.open_to_change(path.parent(), verb);
  }
  if (!folder) return std::unexpected(folder.error());
  place.folder = std::move(*folder);
  return place;
}

result<void> make_folder(volume& home, const rel_path& path, bool parents, bool may_exist) {
  const std::string what = doing("make folder", path);
  if (path.is_root()) {
    if (may_exist) return {};
    return fail(errc::exists, what);
  }
  auto above = home.open_to_change(path.parent(), "make folder in");
  if (!above && above.error().code == errc::not_found && parents) {
    auto made = make_folder(home, path.parent(), true, true);
    if (!made) return made;
    above = home.open_to_change(path.parent(), "make folder in");
  }
  if (!above) return std::unexpected(above.error());
  const std::string name(path.name());
  const int answer = home.fresh.name(path, [&] {
    return uninterrupted([&] { return home.files.mkdirat(above->fd(), name.c_str(), 0777); });
  });
  if (answer == 0) {
    if (home.on_folder_made) home.on_folder_made(path);
    return {};
  }
  if (answer != -EEXIST || !may_exist) return fail_errno(-answer, what);
  auto seen = home.stat_in(above->fd(), name.c_str(), what);
  if (!seen || seen->kind != entry_kind::folder) return fail(errc::exists, what);
  return {};
}

result<void> give_name(volume& home, const named_file& from, const name_place& to,
                       const name_policy& policy, const std::string& what) {
  if (policy.replaces) return replace_name(home, from, to, policy.replaced, what);
  return take_free_name(home, from, to, what);
}

result<volume::name_lock> lock_place(volume& home, const name_place& place,
                                     const name_policy& policy, const std::string& what) {
  if (!policy.replaces) return volume::name_lock();
  auto folder = home.stat_open(place.folder.fd(), what);
  if (!folder) return std::unexpected(folder.error());
  return volume::name_lock(home.stripe_of(folder->id, place.name));
}

}  // namespace sluice::store
