#include "store/folder_reader.h"

#include <dirent.h>

#include <cerrno>
#include <string_view>

#include "store/volume.h"

namespace sluice::store {

result<std::optional<folder_reader::item>> folder_reader::next(const std::string& what) {
  for (;;) {
    if (at_ == filled_) {
      const ssize_t count = uninterrupted([&] { return files_->getdents64(fd_, buffer_); });
      if (count < 0) return fail_errno(static_cast<int>(-count), what);
      if (count == 0) return std::nullopt;
      at_ = 0;
      filled_ = static_cast<std::size_t>(count);
    }
    // The kernel's records are laid out as struct dirent64, aligned to 8 bytes.
    const auto* record = reinterpret_cast<const dirent64*>(buffer_.data() + at_);
    at_ += record->d_reclen;
    const std::string_view name = record->d_name;
    if (name == "." || name == "..") continue;
    return item{record->d_name, record->d_type};
  }
}

}  // namespace sluice::store
