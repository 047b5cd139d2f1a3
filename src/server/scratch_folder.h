// A folder for as long as it is needed.
#pragma once

#include <filesystem>
#include <utility>

#include "sluice/error.h"

namespace sluice::server {

// Owns a folder of mode 0700 in the system's temporary one, and takes it away with all in it. Its
// name begins with a dot, so that it is served by nobody.
class scratch_folder {
 public:
  // io, no_space, not_allowed
  [[nodiscard]] static result<scratch_folder> make();
  scratch_folder(scratch_folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  scratch_folder& operator=(scratch_folder&&) = delete;
  ~scratch_folder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  explicit scratch_folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace sluice::server
