#include "base/unique_fd.h"

#include <unistd.h>

#include <cerrno>

#include "base/log.h"

namespace sluice::base {

unique_fd::~unique_fd() {
  if (auto closed = close(); !closed) log_error("{}", closed.error().message());
}

result<void> unique_fd::close() {
  const int fd = release();
  if (fd < 0 || ::close(fd) == 0 || errno == EINTR) return {};
  return fail_errno(errno, "close descriptor " + std::to_string(fd));
}

}  // namespace sluice::base
