#include "client/partial_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <array>
#include <cerrno>
#include <utility>

#include "base/fsync.h"
#include "client/names.h"

namespace sluice::client {
namespace {

// Another process may finish with the file between our open and our lock: then we hold a lock on
// what has another name by now, and open again.
constexpr int open_tries = 8;

bool is_still_there(int folder_fd, const std::string& name, const struct ::stat& opened) noexcept {
  struct ::stat named{};
  return ::fstatat(folder_fd, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

constexpr std::uint64_t direct_alignment_bytes = 4096;

// By its descriptor: the name may be another file's by now.
base::unique_fd reopen_direct(int fd) {
  const auto itself = fmt::format("/proc/self/fd/{}", fd);
  return base::unique_fd(::open(itself.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
}

struct ::timespec to_timespec(std::int64_t ns) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t rest = (ns % second + second) % second;
  return {.tv_sec = (ns - rest) / second, .tv_nsec = rest};
}

}  // namespace

result<occupant> occupant_of(int folder_fd, const std::string& name) {
  struct ::stat told{};
  if (::fstatat(folder_fd, name.c_str(), &told, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return occupant::nothing;
    return fail_errno(errno, fmt::format("look at {}", name));
  }
  if (S_ISREG(told.st_mode)) return occupant::file;
  if (S_ISDIR(told.st_mode)) return occupant::folder;
  return S_ISLNK(told.st_mode) ? occupant::link : occupant::other;
}

partial_file::partial_file(int folder_fd, std::string name, base::unique_fd fd,
                           std::uint64_t found_bytes)
    : folder_fd_(folder_fd),
      name_(std::move(name)),
      fd_(std::move(fd)),
      direct_(reopen_direct(fd_.get())),
      found_bytes_(found_bytes) {}

result<void> partial_file::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (direct_ && (offset | bytes.size() | address) % direct_alignment_bytes == 0) {
    const auto written = write_at(direct_.get(), bytes, offset);
    if (written || written.error().code != errc::invalid_argument) return written;
  }
  return write_at(fd(), bytes, offset);
}

result<partial_file> partial_file::open(int folder_fd, const std::string& name) {
  const auto hidden = partial_name(name);
  for (int i = 0; i < open_tries; ++i) {
    base::unique_fd fd(::openat(folder_fd, hidden.c_str(),
                                O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd) return fail_errno(errno, fmt::format("make {}", hidden));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return fail_errno(errno, fmt::format("lock {}", hidden));
      return fail(errc::busy, fmt::format("{} is being downloaded by another process", name));
    }
    struct ::stat told{};
    if (::fstat(fd.get(), &told) != 0) return fail_errno(errno, fmt::format("look at {}", hidden));
    if (!is_still_there(folder_fd, hidden, told)) continue;
    // A second name would let the content be seen, or changed, from elsewhere.
    if (!S_ISREG(told.st_mode) || told.st_nlink != 1) {
      return fail(errc::not_allowed, fmt::format("{} is no plain file", hidden));
    }
    return partial_file(folder_fd, name, std::move(fd), static_cast<std::uint64_t>(told.st_size));
  }
  return fail(errc::busy, fmt::format("{} comes and goes", hidden));
}

result<void> partial_file::reserve(std::uint64_t size_bytes) {
  const auto size = static_cast<off_t>(size_bytes);
  if (::ftruncate(fd(), size) != 0) return fail_errno(errno, fmt::format("reserve {}", name_));
  if (size == 0 || ::fallocate(fd(), 0, 0, size) == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
  return fail_errno(errno, fmt::format("reserve {} bytes for {}", size_bytes, name_));
}

result<void> set_time(int fd, std::int64_t mtime_ns) {
  const auto time = to_timespec(mtime_ns);
  const std::array<struct ::timespec, 2> times{time, time};
  if (::futimens(fd, times.data()) != 0) return fail_errno(errno, "set the time");
  return {};
}

result<void> set_facts(int fd, const file_facts& facts, unsigned umask) {
  if (::fchmod(fd, (facts.executable ? 0777U : 0666U) & ~umask) != 0) {
    return fail_errno(errno, "set the mode");
  }
  return set_time(fd, facts.mtime_ns);
}

result<void> rename_in(int folder_fd, const std::string& from, const std::string& to,
                       bool replace) {
  if (replace) {
    if (::renameat(folder_fd, from.c_str(), folder_fd, to.c_str()) == 0) return {};
    return fail_errno(errno, fmt::format("rename to {}", to));
  }
  if (::renameat2(folder_fd, from.c_str(), folder_fd, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL) return fail_errno(errno, fmt::format("rename to {}", to));
  // A volume without RENAME_NOREPLACE: a link refuses a taken name just as well.
  if (::linkat(folder_fd, from.c_str(), folder_fd, to.c_str(), 0) != 0) {
    return fail_errno(errno, fmt::format("link to {}", to));
  }
  if (::unlinkat(folder_fd, from.c_str(), 0) != 0) return fail_errno(errno, "unlink the partial");
  return {};
}

result<void> partial_file::publish(const file_facts& facts, bool replace) {
  if (::ftruncate(fd(), static_cast<off_t>(facts.size_bytes)) != 0) {
    return fail_errno(errno, fmt::format("set the length of {}", name_));
  }
  if (auto set = set_facts(fd(), facts, current_umask()); !set) return set;
  if (base::fsync(fd()) != 0) return fail_errno(errno, fmt::format("sync {}", name_));
  if (auto named = rename_in(folder_fd_, partial_name(name_), name_, replace); !named) return named;
  if (base::fsync(folder_fd_) != 0)
    return fail_errno(errno, fmt::format("sync the folder of {}", name_));
  return fd_.close();
}

void partial_file::discard() noexcept { ::unlinkat(folder_fd_, partial_name(name_).c_str(), 0); }

}  // namespace sluice::client
