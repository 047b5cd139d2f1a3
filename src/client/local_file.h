// Files of this machine. All functions block: they are for the threads for the disk, except where
// they say that they are quick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/unique_fd.h"
#include "sluice/error.h"

struct stat;

namespace sluice::client {

// What is known of a file.
struct file_facts {
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  bool executable = false;
  friend bool operator==(const file_facts&, const file_facts&) = default;
};

[[nodiscard]] file_facts facts_of(const struct ::stat& told) noexcept;
[[nodiscard]] result<file_facts> facts_of(int fd, std::string_view path);

struct source_file {
  base::unique_fd fd;
  file_facts facts;
};

// Opens a regular file for reading, relative to a folder (or AT_FDCWD). Without `follow` a symbolic
// link is not_allowed; what is no regular file is not_a_file and is not opened for long
// (O_NONBLOCK).
[[nodiscard]] result<source_file> open_source(int folder_fd, const std::string& path, bool follow);

// A folder to work in. Links on the way are followed: the path is the user's.
[[nodiscard]] result<base::unique_fd> open_folder(const std::string& path);

// As many bytes as there are up to into.size(): fewer only at the end of the file.
[[nodiscard]] result<std::size_t> read_at(int fd, std::span<std::byte> into, std::uint64_t offset);
[[nodiscard]] result<void> write_at(int fd, std::span<const std::byte> from, std::uint64_t offset);

// Whether anything was ever written to these bytes: false for holes and for what fallocate
// reserved.
[[nodiscard]] bool has_data(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept;

// Of this process. Quick.
[[nodiscard]] unsigned current_umask() noexcept;

}  // namespace sluice::client
