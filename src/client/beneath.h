// Opens files below a folder and nowhere else (openat2(2)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "sluice/error.h"

namespace sluice::client {

enum class links : std::uint8_t {
  refused,  // a symbolic link anywhere on the path: not_allowed
  inside,   // followed while they stay below the folder
};

// `path` is relative, without "..". `flags` and `mode` are those of open(2); O_CLOEXEC is added.
// Errors: not_allowed (a link, or the way out), unsupported where the kernel has no openat2 (before
// Linux 5.6), those of open(2).
[[nodiscard]] result<base::unique_fd> open_beneath(int folder_fd, const std::string& path,
                                                   int flags, unsigned mode, links allowed);

// Folders below a root, for work that goes through neighbours in a row: the folder used last stays
// open. One thread at a time. `root_fd` outlives it.
class folder_cache {
 public:
  folder_cache(int root_fd, links allowed) : root_fd_(root_fd), allowed_(allowed) {}
  // A descriptor (O_PATH) of the folder `path`, valid until the next call; "" is the root.
  [[nodiscard]] result<int> at(std::string_view path);

 private:
  int root_fd_;
  links allowed_;
  std::string path_;
  base::unique_fd fd_;
};

}  // namespace sluice::client
