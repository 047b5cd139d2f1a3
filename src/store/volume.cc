#include "store/volume.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <utility>

namespace sluice::store {

namespace {

constexpr std::uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// openat2 answers EAGAIN when it cannot rule out that a concurrent rename led it astray.
int open_beneath(file_layer& files, int dir_fd, const char* name, int flags, mode_t mode,
                 std::uint64_t resolve) {
  int answer = -EAGAIN;
  for (int attempt = 0; attempt < 64 && answer == -EAGAIN; ++attempt) {
    answer = uninterrupted(
        [&] { return files.openat2(dir_fd, name, flags | O_CLOEXEC, mode, resolve); });
  }
  return answer;
}

// Links and what escapes the root are not there, as far as a peer is concerned.
std::unexpected<error> open_failure(int answer, const std::string& what) {
  if (answer == -ELOOP || answer == -EXDEV) return fail(errc::not_found, what);
  return fail_errno(-answer, what);
}

result<entry> entry_of(const struct statx& seen, const std::string& what) {
  if (!S_ISREG(seen.stx_mode) && !S_ISDIR(seen.stx_mode)) return fail(errc::not_found, what);
  const bool folder = S_ISDIR(seen.stx_mode);
  entry told;
  told.kind = folder ? entry_kind::folder : entry_kind::file;
  told.size_bytes = folder ? 0 : seen.stx_size;
  told.mtime_ns = ns_of(seen.stx_mtime);
  told.executable = !folder && (seen.stx_mode & S_IXUSR) != 0;
  told.id.dev = makedev(seen.stx_dev_major, seen.stx_dev_minor);
  told.id.ino = seen.stx_ino;
  if ((seen.stx_mask & STATX_BTIME) != 0) told.id.btime_ns = ns_of(seen.stx_btime);
  return told;
}

}  // namespace

result<void> write_all(file_layer& files, int fd, std::uint64_t offset,
                       std::span<const std::byte> bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count =
        uninterrupted([&] { return files.pwrite(fd, bytes, static_cast<std::int64_t>(offset)); });
    if (count < 0) return fail_errno(static_cast<int>(-count), what);
    if (count == 0) return fail(errc::io, std::string(what) + ": nothing was written");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

result<std::size_t> read_full(file_layer& files, int fd, std::uint64_t offset,
                              std::span<std::byte> out, std::string_view what) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = uninterrupted([&] {
      return files.pread(fd, out.subspan(done), static_cast<std::int64_t>(offset + done));
    });
    if (count < 0) return fail_errno(static_cast<int>(-count), what);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::string doing(std::string_view verb, const rel_path& path) {
  return std::string(verb) + " " + (path.is_root() ? "/" : path.text());
}

struct timespec to_timespec(std::int64_t time_ns) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  std::int64_t seconds = time_ns / second;
  std::int64_t rest = time_ns % second;
  if (rest < 0) {  // before 1970: the fraction still counts forward
    rest += second;
    --seconds;
  }
  return {.tv_sec = seconds, .tv_nsec = rest};
}

std::int64_t ns_of(const struct statx_timestamp& time) noexcept {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

result<open_file> volume::open_to_read(const rel_path& path, int open_flags) const {
  const char* text = path.is_root() ? "." : path.text().c_str();
  const int fd = open_beneath(files, root.fd(), text, open_flags, 0, beneath);
  if (fd < 0) return open_failure(fd, doing("open", path));
  return open_file(files, fd);
}

// A file system that asks a server, or a program, may do so although the name is in memory; so only
// local ones are asked, and none that is mounted below the root.
std::optional<result<open_file>> volume::try_open_to_read(const rel_path& path,
                                                          int open_flags) const {
  if (!is_local || path.is_root()) return std::nullopt;
  const int fd = uninterrupted([&] {
    return files.openat2(root.fd(), path.text().c_str(), open_flags | O_CLOEXEC, 0,
                         beneath | RESOLVE_NO_XDEV | RESOLVE_CACHED);
  });
  if (fd >= 0) return open_file(files, fd);
  if (fd == -ENOENT) return open_failure(fd, doing("open", path));
  return std::nullopt;  // most of all EAGAIN; what else it is, open_to_read finds out
}

result<open_file> volume::open_to_change(const rel_path& folder, std::string_view verb) const {
  const char* text = folder.is_root() ? "." : folder.text().c_str();
  const int fd =
      open_beneath(files, root.fd(), text, O_RDONLY | O_DIRECTORY, 0, beneath | RESOLVE_NO_XDEV);
  if (fd == -EXDEV) {
    return fail(errc::not_allowed, doing(verb, folder) + ": on another volume than the root");
  }
  if (fd < 0) return open_failure(fd, doing(verb, folder));
  return open_file(files, fd);
}

result<open_file> volume::open_in(int dir_fd, const std::string& name, int open_flags, mode_t mode,
                                  const std::string& what) const {
  const int fd = open_beneath(files, dir_fd, name.c_str(), open_flags | O_NOFOLLOW, mode,
                              beneath | RESOLVE_NO_XDEV);
  if (fd < 0) return open_failure(fd, what);
  return open_file(files, fd);
}

result<open_file> volume::open_below(int dir_fd, const std::string& name) const {
  const int fd = open_beneath(files, dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY, 0, beneath);
  if (fd < 0) return open_failure(fd, "open folder " + name);
  return open_file(files, fd);
}

result<entry> volume::stat_in(int dir_fd, const char* name, const std::string& what) const {
  struct statx seen{};
  const int flags = AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0);
  const int answer = uninterrupted(
      [&] { return files.statx(dir_fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &seen); });
  if (answer < 0) return fail_errno(-answer, what);
  auto told = entry_of(seen, what);
  if (told && told->id.dev == own_dev) told->id.dev = 0;
  return told;
}

result<entry> volume::stat_open(int fd, const std::string& what) const {
  return stat_in(fd, "", what);
}

volume::name_lock::name_lock(std::mutex& one, std::mutex& two) {
  std::mutex* const low = std::less<>{}(&one, &two) ? &one : &two;
  std::mutex* const high = low == &one ? &two : &one;
  first_ = std::unique_lock(*low);
  if (high != low) second_ = std::unique_lock(*high);
}

std::mutex& volume::stripe_of(const identity& folder, std::string_view name) noexcept {
  return stripes_[(std::hash<std::string_view>{}(name) ^ folder.ino) % stripes_.size()];
}

std::string volume::temporary_name() {
  return std::to_string(next_temporary_.fetch_add(1, std::memory_order_relaxed)) +
         std::string(temporary_suffix);
}

}  // namespace sluice::store
