// What is known about the content of a file: the digests of its blocks, and its SHA-256.
//
// A row belongs to a file, not to a name: a rename keeps it. It counts only while the file's size
// and modification time are those that it was recorded with; a file that changed since is one
// about which nothing is known. All calls may throw soci_error, see session.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/digest.h"
#include "catalog/session.h"

namespace sluice::catalog {

// A file for as long as it exists: statx's device, inode and time of birth. The last one tells a
// file from a later one with the same inode. The device is 0 on the served folder's own volume;
// others, below it, may get another number when they are mounted anew: then the rows are not found,
// and the digests are computed again.
struct file_identity {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::int64_t btime_ns = 0;
  friend auto operator<=>(const file_identity&, const file_identity&) = default;
};

using sha256_digest = std::array<std::byte, 32>;

struct content_row {
  file_identity file;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::vector<base::digest128> digests;  // of each block of 1 MiB in order; the last is shorter
  std::optional<sha256_digest> sha256;   // of the whole file
};

// Replaces what was known about `row.file`.
void put_content(session& s, const content_row& row);

// What is known about the file with exactly this identity, size and modification time.
[[nodiscard]] std::optional<content_row> find_content(session& s, const file_identity& file,
                                                      std::uint64_t size_bytes,
                                                      std::int64_t mtime_ns);

// Of that only the SHA-256, for those who ask about many files.
[[nodiscard]] std::optional<sha256_digest> find_sha256(session& s, const file_identity& file,
                                                       std::uint64_t size_bytes,
                                                       std::int64_t mtime_ns);

// Forgets the file, also its poster (posters.h); harmless where nothing is known.
void remove_content(session& s, const file_identity& file);

}  // namespace sluice::catalog
