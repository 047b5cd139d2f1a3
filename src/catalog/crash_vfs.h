// For tests: how SQLite's own files are watched. A VFS (sqlite.org/vfs.html) that passes all on to
// the one that SQLite would use, and tells a witness what changed the disk.
//
// What lies in memory (the -shm file) and what has no name (temporary files) is nobody's business:
// a crash takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::catalog {

// Told after each call that succeeded, on the thread that made it.
class file_witness {
 public:
  virtual ~file_witness() = default;

  // A number for the file, or 0: not to be watched.
  virtual std::uint64_t opened(const char* path, bool was_made) = 0;
  virtual void wrote(std::uint64_t file, std::uint64_t offset,
                     std::span<const std::byte> bytes) = 0;
  virtual void resized(std::uint64_t file, std::uint64_t size_bytes) = 0;
  virtual void removed(const char* path, std::uint64_t file) = 0;

  // Where a sync begins in the order of all that is told; it covers what was told before.
  virtual std::size_t now() = 0;
  virtual void synced(std::uint64_t file, std::size_t begun) = 0;
  virtual void synced_folder_of(const char* path, std::size_t begun) = 0;
};

// Makes it SQLite's default, once in the process; the catalog needs no setting for it. Until then,
// and while there is no witness, nothing is watched. `witness` must outlive the databases that are
// opened meanwhile; none: no longer. One thread.
void watch_databases(file_witness* witness);

}  // namespace sluice::catalog
