#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/fsync.h"
#include "store/file.h"

namespace sluice::store {

namespace {

// The C library's convention turned into the layer's.
template <class T>
T told(T answer) noexcept {
  return answer < 0 ? static_cast<T>(-errno) : answer;
}

class linux_layer final : public file_layer {
 public:
  int openat2(int dir_fd, const char* path, int flags, mode_t mode,
              std::uint64_t resolve) override {
    struct open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.mode = mode;
    how.resolve = resolve;
    // The C library of Debian 12 has no wrapper.
    return static_cast<int>(told(::syscall(SYS_openat2, dir_fd, path, &how, sizeof how)));
  }
  int mkdirat(int dir_fd, const char* name, mode_t mode) override {
    return told(::mkdirat(dir_fd, name, mode));
  }
  int renameat2(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                unsigned flags) override {
    return told(::renameat2(from_dir_fd, from, to_dir_fd, to, flags));
  }
  int linkat(int from_dir_fd, const char* from, int to_dir_fd, const char* to, int flags) override {
    return told(::linkat(from_dir_fd, from, to_dir_fd, to, flags));
  }
  int unlinkat(int dir_fd, const char* name, int flags) override {
    return told(::unlinkat(dir_fd, name, flags));
  }

  int statx(int dir_fd, const char* path, int flags, unsigned mask, struct statx* out) override {
    return told(::statx(dir_fd, path, flags, mask, out));
  }
  int fstatfs(int fd, struct statfs* out) override { return told(::fstatfs(fd, out)); }
  ssize_t getdents64(int fd, std::span<std::byte> out) override {
    return told(::getdents64(fd, out.data(), out.size()));
  }

  ssize_t pread(int fd, std::span<std::byte> out, std::int64_t offset) override {
    return told(::pread(fd, out.data(), out.size(), offset));
  }
  ssize_t preadv2(int fd, std::span<std::byte> out, std::int64_t offset, int flags) override {
    const struct iovec piece{out.data(), out.size()};
    return told(::preadv2(fd, &piece, 1, offset, flags));
  }
  int cachestat(int fd, const page_range& range, page_cache_state* out) override {
    constexpr long number = 451;  // the same on every architecture
    return static_cast<int>(told(::syscall(number, fd, &range, out, 0)));
  }
  ssize_t pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) override {
    return told(::pwrite(fd, bytes.data(), bytes.size(), offset));
  }
  int fallocate(int fd, int mode, std::int64_t offset, std::int64_t count) override {
    return told(::fallocate(fd, mode, offset, count));
  }
  int ftruncate(int fd, std::int64_t size) override { return told(::ftruncate(fd, size)); }

  int fchmod(int fd, mode_t mode) override { return told(::fchmod(fd, mode)); }
  int futimens(int fd, const struct timespec times[2]) override {
    return told(::futimens(fd, times));
  }

  int fdatasync(int fd) override { return told(::fdatasync(fd)); }
  int fsync(int fd) override { return told(base::fsync(fd)); }
  int syncfs(int fd) override { return told(::syncfs(fd)); }
  int sync_file_range(int fd, std::int64_t offset, std::int64_t count, unsigned flags) override {
    return told(::sync_file_range(fd, offset, count, flags));
  }

  int flock(int fd, int operation) override { return told(::flock(fd, operation)); }
  int close(int fd) override { return told(::close(fd)); }
};

}  // namespace

file_layer& linux_files() noexcept {
  static linux_layer layer;
  return layer;
}

}  // namespace sluice::store
