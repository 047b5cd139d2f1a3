// The store's reading side.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

namespace {

// Not blocking: what stands there may be a pipe, which is found out only after opening.
constexpr int read_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
// A reader of so small a file reads all of it, and the kernel nothing beyond.
constexpr std::uint64_t small_file_bytes = std::uint64_t{128} << 10;

// Whether the kernel has all pages of it, by its own count; nullopt: it does not say. Touches none
// of the bytes: a probe of one that is not in the processor's cache costs more than opening the
// file.
std::optional<bool> has_pages(file_layer& files, int fd, std::uint64_t offset,
                              std::uint64_t count) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const page_range asked{.offset = offset, .size_bytes = count};
  page_cache_state seen{};
  if (files.cachestat(fd, asked, &seen) != 0) return std::nullopt;
  return seen.cached > (offset + count - 1) / page - offset / page;
}

}  // namespace

content::content(std::shared_ptr<volume> home, open_file file, entry info, std::string shown_path)
    : home_(std::move(home)),
      file_(std::move(file)),
      info_(std::move(info)),
      shown_path_(std::move(shown_path)) {}

result<std::size_t> content::pread(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > std::numeric_limits<std::int64_t>::max() - out.size()) return 0;
  const volume::running_read here(*home_);
  return read_full(home_->files, file_.fd(), offset, out, "read " + shown_path_);
}

// A probe alone would not do: of a page that is not there it begins to read it, and where the disk
// is quick it ends so, while the pages between the probes are still not there.
bool content::is_cached(std::uint64_t offset, std::uint64_t count) const {
  constexpr std::uint64_t stride = 128 * 1024;
  if (offset >= info_.size_bytes || count == 0) return true;
  count = std::min(count, info_.size_bytes - offset);
  const auto counted = has_pages(home_->files, file_.fd(), offset, count);
  if (counted && !*counted) return false;
  // A page also counts while it is still being read; so nobody here may be, and the kernel does it
  // on its own account only in larger files.
  if (counted && info_.size_bytes <= small_file_bytes && home_->reads_running == 0) return true;
  const std::uint64_t last = offset + count - 1;
  std::array<std::byte, 1> probe{};
  const auto held = [&](std::uint64_t at) {
    return uninterrupted([&] {
             return home_->files.preadv2(file_.fd(), probe, static_cast<std::int64_t>(at),
                                         RWF_NOWAIT);
           }) > 0;
  };
  for (std::uint64_t at = offset; at < last; at += stride) {
    if (!held(at)) return false;
  }
  return held(last);
}

result<void> content::check_unchanged() const {
  auto now = home_->stat_open(file_.fd(), "look at " + shown_path_);
  if (!now) return std::unexpected(now.error());
  if (now->size_bytes == info_.size_bytes && now->mtime_ns == info_.mtime_ns) return {};
  return fail(errc::changed, "read " + shown_path_);
}

result<entry> folder_store::stat(const rel_path& path) const {
  const std::string what = doing("look at", path);
  auto opened = home_->open_to_read(path, O_PATH | O_NOFOLLOW);
  if (!opened) return std::unexpected(opened.error());
  auto seen = home_->stat_open(opened->fd(), what);
  if (seen) seen->name = path.name();
  return seen;
}

result<std::shared_ptr<const content>> folder_store::content_of(const std::shared_ptr<volume>& home,
                                                                open_file opened,
                                                                const rel_path& path) {
  auto seen = home->stat_open(opened.fd(), {});
  if (!seen) return fail(seen.error().code, doing("open", path) + seen.error().context);
  if (seen->kind != entry_kind::file) return fail(errc::not_a_file, doing("open", path));
  seen->name = path.name();
  return std::shared_ptr<const content>(
      new content(home, std::move(opened), std::move(*seen), path.text()));
}

result<std::shared_ptr<const content>> folder_store::open_content(const rel_path& path) const {
  auto opened = home_->open_to_read(path, read_flags);
  if (!opened) return std::unexpected(opened.error());
  return content_of(home_, std::move(*opened), path);
}

std::optional<result<std::shared_ptr<const content>>> folder_store::try_open_content(
    const rel_path& path) const {
  auto opened = home_->try_open_to_read(path, read_flags);
  if (!opened) return std::nullopt;
  if (!*opened) return std::unexpected(opened->error());
  return content_of(home_, std::move(**opened), path);
}

result<volume_space> folder_store::space() const {
  struct statfs seen{};
  const int answer =
      uninterrupted([&] { return home_->files.fstatfs(home_->partials.fd(), &seen); });
  if (answer < 0) return fail_errno(-answer, "ask for the free space");
  volume_space told;
  const auto block_bytes = static_cast<std::uint64_t>(seen.f_frsize);
  told.total_bytes = std::uint64_t{seen.f_blocks} * block_bytes;
  told.free_bytes = std::uint64_t{seen.f_bavail} * block_bytes;
  told.usable_bytes = told.free_bytes - std::min(told.free_bytes, home_->reserve_bytes);
  return told;
}

}  // namespace sluice::store
