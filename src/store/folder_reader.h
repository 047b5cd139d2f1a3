// The names in an open folder, in the volume's own order. Internal to the room.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "sluice/error.h"
#include "store/file.h"

namespace sluice::store {

// Reads on from where the descriptor stands; the caller keeps it open. One thread.
class folder_reader {
 public:
  struct item {
    const char* name;    // valid until the next call
    unsigned char type;  // DT_REG, DT_DIR, DT_UNKNOWN, ...
  };

  folder_reader(file_layer& files, int fd) noexcept : files_(&files), fd_(fd) {}

  // The next name but "." and ".."; nullopt at the end. `what` is the context of an error.
  [[nodiscard]] result<std::optional<item>> next(const std::string& what);

 private:
  file_layer* files_;
  int fd_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
  alignas(8) std::array<std::byte, 32768> buffer_{};
};

}  // namespace sluice::store
