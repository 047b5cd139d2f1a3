// A descriptor of the file layer that somebody owns.
#pragma once

#include <utility>

#include "sluice/error.h"
#include "store/file.h"

namespace sluice::store {

class volume;

// As base::unique_fd, but closed through the layer. Move-only; one thread at a time, except `fd`.
class open_file {
 public:
  open_file() = default;
  open_file(file_layer& files, int fd) noexcept : files_(&files), fd_(fd) {}
  ~open_file();
  open_file(open_file&& other) noexcept : files_(other.files_), fd_(std::exchange(other.fd_, -1)) {}
  open_file& operator=(open_file&& other) noexcept {
    std::swap(files_, other.files_);
    std::swap(fd_, other.fd_);
    return *this;
  }

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  // 0 or -errno. The descriptor is gone whatever the answer.
  int close() noexcept;

 private:
  file_layer* files_ = nullptr;
  int fd_ = -1;
};

}  // namespace sluice::store
