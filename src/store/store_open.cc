// How a store is opened: its folders are found or made, checked and locked.
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "store/folder_reader.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

namespace {

// The process's umask, which no call can read without changing it for all threads.
mode_t current_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Umask:")) {
      return static_cast<mode_t>(std::stoul(line.substr(6), nullptr, 8)) & 0777;
    }
  }
  return 022;
}

result<open_file> open_folder(file_layer& files, int dir_fd, const std::string& path,
                              const std::string& what) {
  const int fd = uninterrupted([&] {
    return files.openat2(dir_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
  });
  if (fd == -ENOSYS) {
    return fail(errc::unsupported, what + ": this kernel has no openat2 (Linux 5.6 has)");
  }
  if (fd < 0) return fail_errno(-fd, what);
  return open_file(files, fd);
}

// Makes the folder if it is missing, and then makes its name durable in the folder above.
result<open_file> open_or_make_folder(volume& home, const std::filesystem::path& path,
                                      const std::string& what) {
  const int made = uninterrupted([&] { return home.files.mkdirat(AT_FDCWD, path.c_str(), 0700); });
  if (made < 0 && made != -EEXIST) return fail_errno(-made, what);
  auto folder = open_folder(home.files, AT_FDCWD, path, what);
  if (!folder || made == -EEXIST) return folder;
  auto above = open_folder(home.files, folder->fd(), "..", what);
  if (!above) return above;
  const int synced = uninterrupted([&] { return home.files.fsync(above->fd()); });
  if (auto judged = home.judge_sync(synced, what); !judged) return std::unexpected(judged.error());
  return folder;
}

// Inside the root only a dot-name directly below it hides the data folder from every request and
// from the removal of any folder.
result<void> check_apart(const std::filesystem::path& root, const std::filesystem::path& data) {
  std::error_code failed;
  const auto root_path = std::filesystem::canonical(root, failed);
  const auto data_path = std::filesystem::canonical(data, failed);
  if (failed) return fail(errc::io, "resolve " + data.string() + ": " + failed.message());
  const auto relative = data_path.lexically_relative(root_path);
  const std::string first = relative.empty() ? "" : relative.begin()->string();
  if (first != ".." && (first == "." || !first.starts_with('.'))) {
    return fail(errc::invalid_argument,
                "data folder " + data_path.string() + " would be served: it must lie outside " +
                    root_path.string() +
                    ", or directly below it with a name that begins with a dot");
  }
  const auto back = root_path.lexically_relative(data_path);
  if (!back.empty() && back.begin()->string() != "..") {
    return fail(errc::invalid_argument, "served folder " + root_path.string() +
                                            " lies inside the data folder " + data_path.string());
  }
  return {};
}

result<void> look_at_volume(volume& home) {
  struct statfs seen{};
  const int answer = uninterrupted([&] { return home.files.fstatfs(home.root.fd(), &seen); });
  if (answer < 0) return fail_errno(-answer, "look at the served folder's volume");
  home.read_only = (static_cast<unsigned long>(seen.f_flags) & ST_RDONLY) != 0;
  constexpr std::array<decltype(seen.f_type), 5> local{
      EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC};
  home.is_local = std::ranges::find(local, seen.f_type) != local.end();
  return {};
}

// What can be done where the state cannot be written beside what is served.
error explained(const volume& home, error why) {
  if (home.read_only && why.code == errc::not_allowed) {
    why.context +=
        "; the served folder is on a read-only volume: with a data folder elsewhere (--data) it "
        "is served for reading";
  }
  return why;
}

// Publishing is a rename, which only works within one mount of one volume.
result<void> check_same_volume(volume& home) {
  if (home.read_only) return {};  // nothing is ever published
  struct statx root{};
  struct statx partials{};
  constexpr unsigned mask = STATX_BASIC_STATS | STATX_MNT_ID;
  for (auto [fd, out] :
       {std::pair(home.root.fd(), &root), std::pair(home.partials.fd(), &partials)}) {
    const int answer =
        uninterrupted([&] { return home.files.statx(fd, "", AT_EMPTY_PATH, mask, out); });
    if (answer < 0) return fail_errno(-answer, "look at the served folder and the partials");
  }
  const bool one_mount = (root.stx_mask & partials.stx_mask & STATX_MNT_ID) == 0 ||
                         root.stx_mnt_id == partials.stx_mnt_id;
  if (root.stx_dev_major != partials.stx_dev_major ||
      root.stx_dev_minor != partials.stx_dev_minor || !one_mount) {
    return fail(errc::not_allowed,
                "partial uploads are on another volume than the served folder: choose a data "
                "folder on the same one");
  }
  return {};
}

result<void> take_lock(volume& home, int data_fd, const std::filesystem::path& data) {
  const std::string what = "lock " + (data / "lock").string();
  auto lock = home.open_in(data_fd, "lock", O_RDWR | O_CREAT, 0600, what);
  if (!lock) return std::unexpected(lock.error());
  const int taken = uninterrupted([&] { return home.files.flock(lock->fd(), LOCK_EX | LOCK_NB); });
  if (taken == -EWOULDBLOCK) {
    return fail(errc::busy, what + ": another server uses this data folder");
  }
  if (taken < 0) return fail_errno(-taken, what);
  home.lock_file = std::move(*lock);
  return {};
}

// What put_small left when the process died. Nobody else can be using them: the lock is held.
result<void> remove_temporaries(volume& home) {
  folder_reader reader(home.files, home.partials.fd());
  for (;;) {
    auto name = reader.next("clean the partials folder");
    if (!name) return std::unexpected(name.error());
    if (!*name) return {};
    if (!std::string_view((*name)->name).ends_with(temporary_suffix)) continue;
    const int gone =
        uninterrupted([&] { return home.files.unlinkat(home.partials.fd(), (*name)->name, 0); });
    if (gone < 0 && gone != -ENOENT) return fail_errno(-gone, "clean the partials folder");
  }
}

}  // namespace

result<folder_store> folder_store::open(file_layer& files, const std::filesystem::path& root,
                                        const std::filesystem::path& data_dir,
                                        const store_options& options) {
  const std::filesystem::path data = data_dir.empty() ? root / ".sluice" : data_dir;
  auto home = std::make_shared<volume>(files, current_umask(), options.reserve_bytes);
  home->on_folder_made = options.on_folder_made;

  auto root_folder = open_folder(files, AT_FDCWD, root, "open " + root.string());
  if (!root_folder) return std::unexpected(root_folder.error());
  home->root = std::move(*root_folder);
  const auto top = home->stat_open(home->root.fd(), "open " + root.string());
  if (!top) return std::unexpected(top.error());
  home->own_dev = top->id.dev;
  if (auto seen = look_at_volume(*home); !seen) return std::unexpected(seen.error());

  auto data_folder = open_or_make_folder(*home, data, "make " + data.string());
  if (!data_folder) return std::unexpected(explained(*home, data_folder.error()));
  if (auto apart = check_apart(root, data); !apart) return std::unexpected(apart.error());

  const std::filesystem::path partials = data / "partials";
  auto partials_folder = open_or_make_folder(*home, partials, "make " + partials.string());
  if (!partials_folder) return std::unexpected(explained(*home, partials_folder.error()));
  home->partials = std::move(*partials_folder);
  const int closed_up = uninterrupted([&] { return files.fchmod(home->partials.fd(), 0700); });
  if (closed_up < 0) {
    const auto why = fail_errno(-closed_up, "restrict " + partials.string());
    return std::unexpected(explained(*home, why.error()));
  }
  if (auto same = check_same_volume(*home); !same) return std::unexpected(same.error());
  if (auto locked = take_lock(*home, data_folder->fd(), data); !locked) {
    return std::unexpected(locked.error());
  }
  if (auto cleaned = remove_temporaries(*home); !cleaned) return std::unexpected(cleaned.error());
  return folder_store(std::move(home));
}

}  // namespace sluice::store
