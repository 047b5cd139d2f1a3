// A file layer that passes every call on to another one. Who derives from it overrides what it
// watches, breaks (tests) or adds (grafted_files).
#pragma once

#include <cstdint>

#include "store/file.h"

namespace sluice::store {

enum class file_call : std::uint8_t {
  openat2,
  mkdirat,
  renameat2,
  linkat,
  unlinkat,
  statx,
  fstatfs,
  getdents64,
  pread,
  preadv2,
  cachestat,
  pwrite,
  fallocate,
  ftruncate,
  fchmod,
  futimens,
  fdatasync,
  fsync,
  syncfs,
  sync_file_range,
  flock,
  close,
};

class forwarding_files : public file_layer {
 public:
  explicit forwarding_files(file_layer& to) : to_(to) {}

  int openat2(int dir_fd, const char* path, int flags, mode_t mode,
              std::uint64_t resolve) override {
    if (const int told = before(file_call::openat2); told != 0) return told;
    return to_.openat2(dir_fd, path, flags, mode, resolve);
  }
  int mkdirat(int dir_fd, const char* name, mode_t mode) override {
    if (const int told = before(file_call::mkdirat); told != 0) return told;
    return to_.mkdirat(dir_fd, name, mode);
  }
  int renameat2(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                unsigned flags) override {
    if (const int told = before(file_call::renameat2); told != 0) return told;
    return to_.renameat2(from_dir_fd, from, to_dir_fd, to, flags);
  }
  int linkat(int from_dir_fd, const char* from, int to_dir_fd, const char* to, int flags) override {
    if (const int told = before(file_call::linkat); told != 0) return told;
    return to_.linkat(from_dir_fd, from, to_dir_fd, to, flags);
  }
  int unlinkat(int dir_fd, const char* name, int flags) override {
    if (const int told = before(file_call::unlinkat); told != 0) return told;
    return to_.unlinkat(dir_fd, name, flags);
  }
  int statx(int dir_fd, const char* path, int flags, unsigned mask, struct statx* out) override {
    if (const int told = before(file_call::statx); told != 0) return told;
    return to_.statx(dir_fd, path, flags, mask, out);
  }
  int fstatfs(int fd, struct statfs* out) override {
    if (const int told = before(file_call::fstatfs); told != 0) return told;
    return to_.fstatfs(fd, out);
  }
  ssize_t getdents64(int fd, std::span<std::byte> out) override {
    if (const int told = before(file_call::getdents64); told != 0) return told;
    return to_.getdents64(fd, out);
  }
  ssize_t pread(int fd, std::span<std::byte> out, std::int64_t offset) override {
    if (const int told = before(file_call::pread); told != 0) return told;
    return to_.pread(fd, out, offset);
  }
  ssize_t preadv2(int fd, std::span<std::byte> out, std::int64_t offset, int flags) override {
    if (const int told = before(file_call::preadv2); told != 0) return told;
    return to_.preadv2(fd, out, offset, flags);
  }
  int cachestat(int fd, const page_range& range, page_cache_state* out) override {
    if (const int told = before(file_call::cachestat); told != 0) return told;
    return to_.cachestat(fd, range, out);
  }
  ssize_t pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) override {
    if (const int told = before(file_call::pwrite); told != 0) return told;
    return to_.pwrite(fd, bytes, offset);
  }
  int fallocate(int fd, int mode, std::int64_t offset, std::int64_t count) override {
    if (const int told = before(file_call::fallocate); told != 0) return told;
    return to_.fallocate(fd, mode, offset, count);
  }
  int ftruncate(int fd, std::int64_t size) override {
    if (const int told = before(file_call::ftruncate); told != 0) return told;
    return to_.ftruncate(fd, size);
  }
  int fchmod(int fd, mode_t mode) override {
    if (const int told = before(file_call::fchmod); told != 0) return told;
    return to_.fchmod(fd, mode);
  }
  int futimens(int fd, const struct timespec times[2]) override {
    if (const int told = before(file_call::futimens); told != 0) return told;
    return to_.futimens(fd, times);
  }
  int fdatasync(int fd) override {
    if (const int told = before(file_call::fdatasync); told != 0) return told;
    return to_.fdatasync(fd);
  }
  int fsync(int fd) override {
    if (const int told = before(file_call::fsync); told != 0) return told;
    return to_.fsync(fd);
  }
  int syncfs(int fd) override {
    if (const int told = before(file_call::syncfs); told != 0) return told;
    return to_.syncfs(fd);
  }
  int sync_file_range(int fd, std::int64_t offset, std::int64_t count, unsigned flags) override {
    if (const int told = before(file_call::sync_file_range); told != 0) return told;
    return to_.sync_file_range(fd, offset, count, flags);
  }
  int flock(int fd, int operation) override {
    if (const int told = before(file_call::flock); told != 0) return told;
    return to_.flock(fd, operation);
  }
  int close(int fd) override {
    if (const int told = before(file_call::close); told != 0) return told;
    return to_.close(fd);
  }

 protected:
  // Asked before each call; -errno is answered in its place.
  virtual int before(file_call) { return 0; }

  file_layer& to_;
};

}  // namespace sluice::store
