// The hidden file beside a target in which a download gathers, and its way to the final name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "client/local_file.h"
#include "sluice/error.h"

namespace sluice::client {

// What stands under a name now.
enum class occupant : std::uint8_t { nothing, file, folder, link, other };
[[nodiscard]] result<occupant> occupant_of(int folder_fd, const std::string& name);

// ".NAME.sluice-part": mode 0600, never reached through a link, locked (flock) for as long as this
// object lives, so that two downloads never share it. What an interrupted download left in it is
// kept. Functions block and are for the threads for the disk; one at a time, except `fd`.
class partial_file {
 public:
  partial_file() = default;

  // `folder_fd` stays the caller's and open. Errors: busy where another process holds it; io,
  // not_allowed, no_space.
  [[nodiscard]] static result<partial_file> open(int folder_fd, const std::string& name);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // What an earlier download left, in bytes; says nothing about which of them are right.
  [[nodiscard]] std::uint64_t found_bytes() const noexcept { return found_bytes_; }

  // Writes whole blocks past the page cache where the volume can, which costs half of the processor
  // and leaves `publish` little to sync. Several threads at once.
  [[nodiscard]] result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) const;

  // Makes it `size_bytes` long and reserves the space: no_space before the first byte is fetched.
  [[nodiscard]] result<void> reserve(std::uint64_t size_bytes);

  // All content is there and checked: sets length, time and mode, syncs, and gives it the final
  // name in one step; then syncs the folder. Without `replace` a name that is taken is `exists`.
  [[nodiscard]] result<void> publish(const file_facts& facts, bool replace);

  // Takes it away.
  void discard() noexcept;

 private:
  partial_file(int folder_fd, std::string name, base::unique_fd fd, std::uint64_t found_bytes);

  int folder_fd_ = -1;
  std::string name_;
  base::unique_fd fd_;
  base::unique_fd direct_;  // the same file with O_DIRECT; absent where the volume has none
  std::uint64_t found_bytes_ = 0;
};

// Sets modification time (nanoseconds since 1970 UTC) and the mode that a new file of this process
// has: 0666 or 0777 less the umask.
[[nodiscard]] result<void> set_facts(int fd, const file_facts& facts, unsigned umask);
[[nodiscard]] result<void> set_time(int fd, std::int64_t mtime_ns);

// Renames within a folder; without `replace` never over something. `exists`, io.
[[nodiscard]] result<void> rename_in(int folder_fd, const std::string& from, const std::string& to,
                                     bool replace);

}  // namespace sluice::client
