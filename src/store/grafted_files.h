// A file layer in which one thing of another folder lies in the root, too.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "store/forwarding_files.h"

namespace sluice::store {

// For a store whose root is an empty folder: `name` in that root is what `folder` has under this
// name, and all below it; nothing else of `folder` can be reached. It is opened by the same rules
// as all else. `to` outlives it. It can be opened, and not be listed with the root.
class grafted_files final : public forwarding_files {
 public:
  grafted_files(file_layer& to, std::string root, base::unique_fd folder, std::string name)
      : forwarding_files(to),
        root_(std::move(root)),
        folder_(std::move(folder)),
        name_(std::move(name)) {}

  int openat2(int dir_fd, const char* path, int flags, mode_t mode,
              std::uint64_t resolve) override {
    if (dir_fd == root_fd_ && is_grafted(path)) dir_fd = folder_.get();
    const int opened = forwarding_files::openat2(dir_fd, path, flags, mode, resolve);
    // The root is opened first, once, and stays open.
    if (root_fd_ < 0 && dir_fd == AT_FDCWD && root_ == path) root_fd_ = opened;
    return opened;
  }

  // What holds for the volume of `folder` is what readers have to know.
  int fstatfs(int fd, struct statfs* out) override {
    return forwarding_files::fstatfs(fd == root_fd_ ? folder_.get() : fd, out);
  }

 private:
  [[nodiscard]] bool is_grafted(std::string_view path) const noexcept {
    return path.starts_with(name_) && (path.size() == name_.size() || path[name_.size()] == '/');
  }

  const std::string root_;
  const base::unique_fd folder_;
  const std::string name_;
  std::atomic<int> root_fd_ = -1;
};

}  // namespace sluice::store
