#include "client/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "client/names.h"
#include "client/partial_file.h"

namespace sluice::client {
namespace {

result<void> fill(int fd, std::span<const std::byte> content, const file_facts& facts,
                  unsigned umask) {
  if (auto written = write_at(fd, content, 0); !written) return written;
  return set_facts(fd, facts, umask);
}

// True: done. False: this volume has no unnamed files.
result<bool> write_unnamed(int folder_fd, const std::string& name,
                           std::span<const std::byte> content, const file_facts& facts,
                           unsigned umask) {
  // A descriptor of O_PATH is no place to make a file in: "." relative to it is.
  base::unique_fd fd(::openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!fd) {
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return false;
    return fail_errno(errno, fmt::format("make {}", name));
  }
  if (auto filled = fill(fd.get(), content, facts, umask); !filled) {
    return std::unexpected(std::move(filled.error()));
  }
  const auto self = fmt::format("/proc/self/fd/{}", fd.get());
  if (::linkat(AT_FDCWD, self.c_str(), folder_fd, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno == ENOENT && ::access("/proc/self/fd", F_OK) != 0) return false;
    return fail_errno(errno, fmt::format("link to {}", name));
  }
  if (auto closed = fd.close(); !closed) return std::unexpected(std::move(closed.error()));
  return true;
}

result<void> write_named(int folder_fd, const std::string& name, std::span<const std::byte> content,
                         const file_facts& facts, unsigned umask, bool replace) {
  const auto hidden = partial_name(name);
  constexpr int flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
  base::unique_fd fd(::openat(folder_fd, hidden.c_str(), flags, 0600));
  if (!fd && errno == EEXIST) {  // of a call that was killed
    ::unlinkat(folder_fd, hidden.c_str(), 0);
    fd = base::unique_fd(::openat(folder_fd, hidden.c_str(), flags, 0600));
  }
  if (!fd) return fail_errno(errno, fmt::format("make {}", hidden));
  auto made = fill(fd.get(), content, facts, umask);
  if (made) made = fd.close();
  if (made) made = rename_in(folder_fd, hidden, name, replace);
  if (!made) ::unlinkat(folder_fd, hidden.c_str(), 0);
  return made;
}

}  // namespace

result<void> write_small(int folder_fd, const std::string& name, std::span<const std::byte> content,
                         const file_facts& facts, unsigned umask, bool replace) {
  if (!replace) {
    auto written = write_unnamed(folder_fd, name, content, facts, umask);
    if (!written) return std::unexpected(std::move(written.error()));
    if (*written) return {};
  }
  return write_named(folder_fd, name, content, facts, umask, replace);
}

}  // namespace sluice::client
