// A stored file, open for reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "sluice/error.h"
#include "store/entry.h"
#include "store/open_file.h"

namespace sluice::store {

// Shared by all who read it; any thread. It goes on reading the same content after the name was
// replaced, renamed or removed. `info` is what was seen at opening: a file that somebody writes in
// place may differ (`check_unchanged` tells).
class content {
 public:
  [[nodiscard]] const entry& info() const noexcept { return info_; }

  // For sendfile and splice; owned by this object, never to be closed or read without an offset.
  [[nodiscard]] int fd() const noexcept { return file_.fd(); }

  // Fills `out` from `offset`; fewer bytes only at the end of the file. Blocks on the disk.
  //   io
  [[nodiscard]] result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const;

  // The same from the disk and not from memory, where it was opened by `open_at_rest`. Offset, size
  // and address are multiples of `direct_alignment_bytes`.
  [[nodiscard]] result<std::size_t> read_at_rest(std::uint64_t offset,
                                                 std::span<std::byte> out) const;

  // True where the bytes are in the page cache: then sending them will hardly block. By the
  // kernel's count of its pages, where it tells that (cachestat, Linux 6.5); without it, and of
  // files over 128 KiB, one byte every 128 KiB is read, too. False when a read would block, or the
  // volume cannot say.
  [[nodiscard]] bool is_cached(std::uint64_t offset, std::uint64_t count) const;

  // Fails with `changed` when size or mtime are not those of `info` any more.
  [[nodiscard]] result<void> check_unchanged() const;

 private:
  friend class folder_store;
  content(std::shared_ptr<volume> home, open_file file, entry info, std::string shown_path);

  std::shared_ptr<volume> home_;
  open_file file_;
  open_file direct_;  // the same with O_DIRECT, of `open_at_rest` where the volume can
  entry info_;
  std::string shown_path_;
};

}  // namespace sluice::store
