// fsync(2) that also holds for folders on XFS.
#pragma once

namespace sluice::base {

// Makes a file, or the names in a folder, durable. 0, or -1 and errno; EIO: what was written or
// done there since the last sync may be lost.
//
// XFS answers the sync of a folder with success after it shut down (an I/O error in its log, power
// taken away), though the names that were made or removed are lost: seen on Linux 6.18. It tells
// nothing about a file any more then, and that is asked behind the sync. Any thread; blocks.
[[nodiscard]] int fsync(int fd) noexcept;

}  // namespace sluice::base
