#include "client/beneath.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::client {

result<base::unique_fd> open_beneath(int folder_fd, const std::string& path, int flags,
                                     unsigned mode, links allowed) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (allowed == links::refused) how.resolve |= RESOLVE_NO_SYMLINKS;
  for (;;) {
    const auto fd = ::syscall(SYS_openat2, folder_fd, path.c_str(), &how, sizeof how);
    if (fd >= 0) return base::unique_fd(static_cast<int>(fd));
    // EAGAIN: something on the way was renamed meanwhile.
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno == ENOSYS) return fail(errc::unsupported, "openat2: Linux 5.6 or later is needed");
    if (errno == ELOOP || errno == EXDEV) {
      return fail(errc::not_allowed, fmt::format("open {}: a symbolic link is in the way", path));
    }
    return fail_errno(errno, fmt::format("open {}", path));
  }
}

result<int> folder_cache::at(std::string_view path) {
  if (path.empty()) return root_fd_;
  if (fd_ && path == path_) return fd_.get();
  auto fd = open_beneath(root_fd_, std::string(path), O_PATH | O_DIRECTORY, 0, allowed_);
  if (!fd) return std::unexpected(std::move(fd.error()));
  fd_ = std::move(*fd);
  path_ = path;
  return fd_.get();
}

}  // namespace sluice::client
