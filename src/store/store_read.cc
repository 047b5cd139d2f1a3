// The store's reading side.
#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

content::content(std::shared_ptr<volume> home, open_file file, entry info, std::string shown_path)
    : home_(std::move(home)),
      file_(std::move(file)),
      info_(std::move(info)),
      shown_path_(std::move(shown_path)) {}

result<std::size_t> content::pread(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > std::numeric_limits<std::int64_t>::max() - out.size()) return 0;
  return read_full(home_->files, file_.fd(), offset, out, "read " + shown_path_);
}

bool content::is_cached(std::uint64_t offset, std::uint64_t count) const {
  constexpr std::uint64_t stride = 128 * 1024;
  if (offset >= info_.size_bytes || count == 0) return true;
  const std::uint64_t last = offset + std::min(count, info_.size_bytes - offset) - 1;
  std::array<std::byte, 1> probe;
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

result<std::shared_ptr<const content>> folder_store::open_content(const rel_path& path) const {
  const std::string what = doing("open", path);
  // Not blocking: what stands there may be a pipe, which is found out only after opening.
  auto opened = home_->open_to_read(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!opened) return std::unexpected(opened.error());
  auto seen = home_->stat_open(opened->fd(), what);
  if (!seen) return std::unexpected(seen.error());
  if (seen->kind != entry_kind::file) return fail(errc::not_a_file, what);
  seen->name = path.name();
  return std::shared_ptr<const content>(
      new content(home_, std::move(*opened), std::move(*seen), path.text()));
}

result<volume_space> folder_store::space() const {
  struct statvfs seen{};
  const int answer =
      uninterrupted([&] { return home_->files.fstatvfs(home_->partials.fd(), &seen); });
  if (answer < 0) return fail_errno(-answer, "ask for the free space");
  volume_space told;
  told.total_bytes = std::uint64_t{seen.f_blocks} * seen.f_frsize;
  told.free_bytes = std::uint64_t{seen.f_bavail} * seen.f_frsize;
  told.usable_bytes = told.free_bytes - std::min(told.free_bytes, home_->reserve_bytes);
  return told;
}

}  // namespace sluice::store
