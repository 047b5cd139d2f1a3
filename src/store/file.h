// The thin layer that every file system call of the store goes through.
//
// One virtual function a system call, with the system call's meaning and nothing added: a short
// count stays short and EINTR stays EINTR, because looping over them is the store's work, and a
// test double must be able to inject them. A double records the calls, fails them, stops at call k,
// and keeps, drops or tears what was not synced; it normally wraps the real layer, since
// descriptors must be real ones (content is sent with sendfile).
//
// Every function returns what the system call returns, or -errno. Any thread. Descriptors are
// opened with O_CLOEXEC by the store.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::store {

// Of cachestat(2), as the kernel lays them out; the C library of Debian 12 does not know them.
struct page_range {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};
struct page_cache_state {  // in pages
  std::uint64_t cached = 0;
  std::uint64_t dirty = 0;
  std::uint64_t writeback = 0;
  std::uint64_t evicted = 0;
  std::uint64_t recently_evicted = 0;
};

class file_layer {
 public:
  virtual ~file_layer() = default;

  // Names. `dir_fd` may be AT_FDCWD; `resolve` are the RESOLVE_ bits of openat2(2).
  virtual int openat2(int dir_fd, const char* path, int flags, mode_t mode,
                      std::uint64_t resolve) = 0;
  virtual int mkdirat(int dir_fd, const char* name, mode_t mode) = 0;
  virtual int renameat2(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                        unsigned flags) = 0;
  virtual int linkat(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                     int flags) = 0;
  virtual int unlinkat(int dir_fd, const char* name, int flags) = 0;

  // What is there.
  virtual int statx(int dir_fd, const char* path, int flags, unsigned mask, struct statx* out) = 0;
  virtual int fstatfs(int fd, struct statfs* out) = 0;
  virtual ssize_t getdents64(int fd, std::span<std::byte> out) = 0;

  // Content. `preadv2` reads one piece, with the RWF_ flags.
  virtual ssize_t pread(int fd, std::span<std::byte> out, std::int64_t offset) = 0;
  virtual ssize_t preadv2(int fd, std::span<std::byte> out, std::int64_t offset, int flags) = 0;
  virtual int cachestat(int fd, const page_range& range, page_cache_state* out) = 0;
  virtual ssize_t pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) = 0;
  virtual int fallocate(int fd, int mode, std::int64_t offset, std::int64_t count) = 0;
  virtual int ftruncate(int fd, std::int64_t size) = 0;

  // Attributes.
  virtual int fchmod(int fd, mode_t mode) = 0;
  virtual int futimens(int fd, const struct timespec times[2]) = 0;

  // Durability. `sync_file_range` starts or awaits write-behind and makes nothing durable.
  virtual int fdatasync(int fd) = 0;
  virtual int fsync(int fd) = 0;
  virtual int syncfs(int fd) = 0;
  virtual int sync_file_range(int fd, std::int64_t offset, std::int64_t count, unsigned flags) = 0;

  virtual int flock(int fd, int operation) = 0;
  virtual int close(int fd) = 0;
};

// The real one. Lives as long as the program; has no state.
[[nodiscard]] file_layer& linux_files() noexcept;

}  // namespace sluice::store
