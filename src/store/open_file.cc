#include "store/open_file.h"

#include <cerrno>

#include "base/log.h"

namespace sluice::store {

open_file::~open_file() {
  if (const int answer = close(); answer < 0) {
    base::log_error("{}", fail_errno(-answer, "close a file of the store").error().message());
  }
}

int open_file::close() noexcept {
  const int fd = std::exchange(fd_, -1);
  if (fd < 0) return 0;
  const int answer = files_->close(fd);
  // On Linux the descriptor is gone after EINTR; a second close could hit a stranger's.
  return answer == -EINTR ? 0 : answer;
}

}  // namespace sluice::store
