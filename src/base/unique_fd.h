// A file descriptor that somebody owns.
#pragma once

#include <utility>

#include "sluice/error.h"

namespace sluice::base {

// Owns one descriptor, or none (-1). Move-only; one thread at a time. The destructor closes and
// logs a failure, since it cannot tell it; where a failure of `close` matters (written files), call
// `close`.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  ~unique_fd();
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Gives the descriptor up, whatever the answer: on Linux it is gone even after EINTR or EIO, and
  // a second close could hit a stranger's.
  [[nodiscard]] result<void> close();

 private:
  int fd_ = -1;
};

}  // namespace sluice::base
