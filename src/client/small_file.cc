#include "client/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "client/names.h"
#include "client/partial_file.h"

namespace sluice::client {
namespace {

result<void> fill(int fd, std::span<const std::byte> content, const file_facts& facts) {
  if (auto written = write_at(fd, content, 0); !written) return written;
  return set_time(fd, facts.mtime_ns);
}

// Whoever opened a file may link it by its descriptor since Linux 6.10; before, only a process with
// CAP_DAC_READ_SEARCH, and others go through /proc.
int link_unnamed(int fd, int folder_fd, const char* name) {
  if (::linkat(fd, "", folder_fd, name, AT_EMPTY_PATH) == 0) return 0;
  if (errno != ENOENT) return -1;
  const auto self = fmt::format("/proc/self/fd/{}", fd);
  return ::linkat(AT_FDCWD, self.c_str(), folder_fd, name, AT_SYMLINK_FOLLOW);
}

// Less the umask, by the kernel: a step fewer than to set it later.
::mode_t mode_of(const file_facts& facts) noexcept { return facts.executable ? 0777 : 0666; }

// True: done. False: this volume has no unnamed files.
result<bool> write_unnamed(int folder_fd, const std::string& name,
                           std::span<const std::byte> content, const file_facts& facts) {
  // A descriptor of O_PATH is no place to make a file in: "." relative to it is.
  base::unique_fd fd(::openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode_of(facts)));
  if (!fd) {
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return false;
    return fail_errno(errno, fmt::format("make {}", name));
  }
  if (auto filled = fill(fd.get(), content, facts); !filled) {
    return std::unexpected(std::move(filled.error()));
  }
  if (link_unnamed(fd.get(), folder_fd, name.c_str()) != 0) {
    if (errno == ENOENT && ::access("/proc/self/fd", F_OK) != 0) return false;
    return fail_errno(errno, fmt::format("link to {}", name));
  }
  if (auto closed = fd.close(); !closed) return std::unexpected(std::move(closed.error()));
  return true;
}

result<void> write_named(int folder_fd, const std::string& name, std::span<const std::byte> content,
                         const file_facts& facts, bool replace) {
  const auto hidden = partial_name(name);
  constexpr int flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
  base::unique_fd fd(::openat(folder_fd, hidden.c_str(), flags, mode_of(facts)));
  if (!fd && errno == EEXIST) {  // of a call that was killed
    ::unlinkat(folder_fd, hidden.c_str(), 0);
    fd = base::unique_fd(::openat(folder_fd, hidden.c_str(), flags, mode_of(facts)));
  }
  if (!fd) return fail_errno(errno, fmt::format("make {}", hidden));
  auto made = fill(fd.get(), content, facts);
  if (made) made = fd.close();
  if (made) made = rename_in(folder_fd, hidden, name, replace);
  if (!made) ::unlinkat(folder_fd, hidden.c_str(), 0);
  return made;
}

}  // namespace

result<void> write_small(int folder_fd, const std::string& name, std::span<const std::byte> content,
                         const file_facts& facts, bool replace) {
  if (!replace) {
    auto written = write_unnamed(folder_fd, name, content, facts);
    if (!written) return std::unexpected(std::move(written.error()));
    if (*written) return {};
  }
  return write_named(folder_fd, name, content, facts, replace);
}

}  // namespace sluice::client
