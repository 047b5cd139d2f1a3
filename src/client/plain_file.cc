#include "client/plain_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/fsync.h"

namespace sluice::client {

namespace {

// A name that nobody else has, short enough for any folder.
std::string hidden_name() {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = std::uint64_t(::getpid());
  return fmt::format(".sluice-recv-{:016x}", random);
}

}  // namespace

result<plain_file> plain_file::prepare(const std::string& target, bool overwrite) {
  plain_file file(target, overwrite);
  const std::size_t slash = target.rfind('/');
  file.name_ = slash == std::string::npos ? target : target.substr(slash + 1);
  if (file.name_.empty() || file.name_ == "." || file.name_ == "..") {
    return fail(errc::not_a_file, "write \"" + target + "\": a file name is needed");
  }
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  file.folder_ = base::unique_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.folder_) return fail_errno(errno, "open the folder of " + target);
  if (auto looked = file.look(); !looked) return std::unexpected(std::move(looked).error());
  return file;
}

result<void> plain_file::look() const {
  struct stat there{};
  if (::fstatat(folder_.get(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "write " + target_);
  }
  if (S_ISDIR(there.st_mode))
    return fail(errc::not_a_file, "write " + target_ + ": it is a folder");
  if (!overwrite_) return fail(errc::exists, "write " + target_);
  return {};
}

plain_file::~plain_file() {
  if (!hidden_.empty()) ::unlinkat(folder_.get(), hidden_.c_str(), 0);
}

result<void> plain_file::begin() {
  const std::string hidden = hidden_name();
  file_ = base::unique_fd(::openat(folder_.get(), hidden.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file_) return fail_errno(errno, "make a file in the folder of " + target_);
  hidden_ = hidden;
  return {};
}

result<void> plain_file::write(std::span<const std::byte> bytes) {
  return write_all(file_.get(), bytes, "write " + target_);
}

result<void> plain_file::publish() {
  if (base::fsync(file_.get()) != 0) return fail_errno(errno, "sync " + target_);
  if (auto closed = file_.close(); !closed) {
    return fail(closed.error().code, "write " + target_ + ": " + closed.error().context);
  }
  if (auto renamed = rename_to_target(); !renamed) return renamed;
  hidden_.clear();
  if (base::fsync(folder_.get()) != 0) return fail_errno(errno, "sync the folder of " + target_);
  return {};
}

result<void> plain_file::rename_to_target() {
  const int folder = folder_.get();
  const unsigned flags = overwrite_ ? 0 : RENAME_NOREPLACE;
  if (::renameat2(folder, hidden_.c_str(), folder, name_.c_str(), flags) == 0) return {};
  if (errno != EINVAL || overwrite_) return fail_errno(errno, "write " + target_);
  // A file system that knows no RENAME_NOREPLACE: a hard link does not replace either.
  if (::linkat(folder, hidden_.c_str(), folder, name_.c_str(), 0) != 0) {
    return fail_errno(errno, "write " + target_);
  }
  ::unlinkat(folder, hidden_.c_str(), 0);
  return {};
}

result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, what);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace sluice::client
