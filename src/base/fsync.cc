#include "base/fsync.h"

#include <sys/stat.h>
#include <unistd.h>

namespace sluice::base {

int fsync(int fd) noexcept {
  if (::fsync(fd) != 0) return -1;
  struct stat seen{};
  return ::fstat(fd, &seen);
}

}  // namespace sluice::base
