// How a small file is made, and gets its name.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "store/naming.h"
#include "store/staged.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

namespace {

bool refuses_tmpfile(int answer) noexcept {
  return answer == -EOPNOTSUPP || answer == -EISDIR || answer == -EINVAL;
}

// Without a name (O_TMPFILE) where the volume can: nothing is left behind whatever happens, and one
// step on a folder is saved. A replacement needs a rename, which needs a name to begin with.
result<std::pair<open_file, std::string>> make_unnamed(volume& home, bool needs_name, mode_t mode,
                                                       const std::string& what) {
  if (!needs_name && home.has_tmpfile.load(std::memory_order_relaxed)) {
    const int fd = uninterrupted([&] {
      return home.files.openat2(home.partials.fd(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode, 0);
    });
    if (fd >= 0) return std::pair(open_file(home.files, fd), std::string());
    if (!refuses_tmpfile(fd)) return fail_errno(-fd, what);
    home.has_tmpfile = false;
  }
  std::string name = home.temporary_name();
  auto made = home.open_in(home.partials.fd(), name, O_RDWR | O_CREAT | O_EXCL, mode, what);
  if (!made) return std::unexpected(made.error());
  return std::pair(std::move(*made), std::move(name));
}

// The kernel lets whoever opened the file link it by its descriptor since 6.10; before, only a
// process with CAP_DAC_READ_SEARCH, and others go through /proc.
int link_unnamed(file_layer& files, int fd, int folder_fd, const char* name) {
  const int linked =
      uninterrupted([&] { return files.linkat(fd, "", folder_fd, name, AT_EMPTY_PATH); });
  if (linked != -ENOENT) return linked;
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  return uninterrupted(
      [&] { return files.linkat(AT_FDCWD, path.data(), folder_fd, name, AT_SYMLINK_FOLLOW); });
}

// Content and time; the answer is what the file is like then.
result<entry> fill(volume& home, int fd, std::span<const std::byte> bytes, std::int64_t mtime_ns,
                   const std::string& what) {
  if (auto written = write_all(home.files, fd, 0, bytes, what); !written) {
    return std::unexpected(written.error());
  }
  const struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, to_timespec(mtime_ns)};
  const int answer = uninterrupted([&] { return home.files.futimens(fd, times); });
  if (answer < 0) return fail_errno(-answer, what);
  return home.stat_open(fd, what);
}

}  // namespace

void staged_file::drop() noexcept {
  // Left behind, it is removed at the next start.
  if (home_ && !temporary_.empty()) {
    (void)home_->files.unlinkat(home_->partials.fd(), temporary_.c_str(), 0);
  }
}

result<staged_file> folder_store::stage_small(std::span<const std::byte> bytes,
                                              std::int64_t mtime_ns, bool executable,
                                              bool will_replace) {
  const std::string what = "store a small file";
  if (bytes.size() > base::small_file_bytes_max) {
    return fail(errc::invalid_argument, "store a small file: larger than 1 MiB");
  }
  if (auto sound = home_->check_writable(); !sound) return std::unexpected(sound.error());
  if (home_->reserve_bytes > 0) {
    auto room = space();
    if (!room) return std::unexpected(room.error());
    if (room->usable_bytes < bytes.size()) {
      return fail(errc::no_space, what + ": " + base::format_size(room->usable_bytes) +
                                      " of the volume may be used");
    }
  }
  const mode_t mode = executable ? 0777 : 0666;  // less the umask, by the kernel
  auto made = make_unnamed(*home_, will_replace, mode, what);
  if (!made) return std::unexpected(made.error());
  staged_file staged(home_, std::move(made->first), std::move(made->second));
  auto seen = fill(*home_, staged.file_.fd(), bytes, mtime_ns, what);
  if (!seen) return std::unexpected(seen.error());
  staged.info_ = std::move(*seen);
  return staged;
}

result<void> folder_store::sync(staged_file& file) {
  if (auto sound = home_->check_writable(); !sound) return sound;
  return home_->judge_sync(uninterrupted([&] { return home_->files.fsync(file.file_.fd()); }),
                           "sync a small file");
}

result<entry> folder_store::publish(staged_file& from, const rel_path& path,
                                    const name_policy& policy) {
  const std::string what = doing("store", path);
  if (path.is_root()) return fail(errc::invalid_argument, what);
  if (auto sound = home_->check_writable(); !sound) return std::unexpected(sound.error());
  auto place = open_place(*home_, path, policy.make_parents, "store");
  if (!place) return std::unexpected(place.error());
  if (from.temporary_.empty()) {
    if (policy.replaces) return fail(errc::invalid_argument, what + ": staged not to replace");
    const int linked =
        link_unnamed(home_->files, from.file_.fd(), place->folder.fd(), place->name.c_str());
    if (linked < 0) return fail_errno(-linked, what);
  } else {
    const named_file named{home_->partials.fd(), from.temporary_.c_str(), from.info_.id, false};
    auto unchanged = lock_place(*home_, *place, policy, what);
    if (!unchanged) return std::unexpected(unchanged.error());
    auto named_now = give_name(*home_, named, *place, policy, what);
    if (!named_now) return std::unexpected(named_now.error());
    from.temporary_.clear();
  }
  // The name stands: a failing close is told, for the caller must not count on the content.
  if (const int closed = from.file_.close(); closed < 0) return fail_errno(-closed, what);
  from.info_.name = place->name;
  return from.info_;
}

result<entry> folder_store::put_small(const rel_path& path, std::span<const std::byte> bytes,
                                      std::int64_t mtime_ns, bool executable,
                                      const name_policy& policy) {
  auto staged = stage_small(bytes, mtime_ns, executable, policy.replaces);
  if (!staged) return std::unexpected(staged.error());
  return publish(*staged, path, policy);
}

}  // namespace sluice::store
