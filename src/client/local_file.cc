#include "client/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cerrno>
#include <charconv>
#include <fstream>

#include "base/text.h"

namespace sluice::client {

file_facts facts_of(const struct ::stat& told) noexcept {
  return {.size_bytes = static_cast<std::uint64_t>(told.st_size),
          .mtime_ns = std::int64_t{told.st_mtim.tv_sec} * 1'000'000'000 + told.st_mtim.tv_nsec,
          .executable = (told.st_mode & S_IXUSR) != 0};
}

result<file_facts> facts_of(int fd, std::string_view path) {
  struct ::stat told{};
  if (::fstat(fd, &told) != 0) return fail_errno(errno, fmt::format("look at {}", path));
  return facts_of(told);
}

result<source_file> open_source(int folder_fd, const std::string& path, bool follow) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
  source_file file{.fd = base::unique_fd(::openat(folder_fd, path.c_str(), flags)), .facts = {}};
  if (!file.fd) {
    if (errno == ELOOP) return fail(errc::not_allowed, fmt::format("{} is a symbolic link", path));
    return fail_errno(errno, fmt::format("open {}", path));
  }
  struct ::stat told{};
  if (::fstat(file.fd.get(), &told) != 0) return fail_errno(errno, fmt::format("look at {}", path));
  if (!S_ISREG(told.st_mode)) {
    return fail(errc::not_a_file, fmt::format("{} is not a regular file", path));
  }
  file.facts = facts_of(told);
  return file;
}

result<base::unique_fd> open_folder(const std::string& path) {
  base::unique_fd fd(::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, fmt::format("open the folder {}", path));
  return fd;
}

result<std::size_t> read_at(int fd, std::span<std::byte> into, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto got =
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read");
    done += static_cast<std::size_t>(got);
  }
  return done;
}

result<void> write_at(int fd, std::span<const std::byte> from, std::uint64_t offset) {
  while (!from.empty()) {
    const auto put = ::pwrite(fd, from.data(), from.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(errno, "write");
    from = from.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

bool has_data(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept {
  const auto found = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (found < 0) return errno != ENXIO;  // a volume that cannot tell: look at the bytes
  return static_cast<std::uint64_t>(found) < offset + bytes;
}

// umask(2) can only be read by changing it, which other threads would notice.
unsigned current_umask() noexcept {
  constexpr std::string_view key = "Umask:\t";
  std::ifstream status("/proc/self/status");
  unsigned mask = 022;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(key)) continue;
    std::from_chars(line.data() + key.size(), line.data() + line.size(), mask, 8);
    break;
  }
  return mask;
}

}  // namespace sluice::client
