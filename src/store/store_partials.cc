// Partials as a collection: made, opened, listed, removed.
#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "store/folder_reader.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

namespace {

std::string file_name(const partial_id& id) { return id.text() + std::string(partial_suffix); }

// Space is asked for before the first byte: a full volume answers now and not after 300 GB. Volumes
// without fallocate go on. The file gets its size with it: a write that makes a file longer
// excludes all others. The size of a partial never means that data is there.
int allocate(file_layer& files, int fd, std::uint64_t expected_bytes) {
  if (expected_bytes == 0) return 0;
  const int answer = uninterrupted(
      [&] { return files.fallocate(fd, 0, 0, static_cast<std::int64_t>(expected_bytes)); });
  return answer == -EOPNOTSUPP || answer == -ENOSYS ? 0 : answer;
}

// Nothing where the volume has no O_DIRECT.
open_file open_direct(volume& home, const partial_id& id) {
  auto opened =
      home.open_in(home.partials.fd(), file_name(id), O_WRONLY | O_DIRECT, 0, "open direct");
  return opened ? std::move(*opened) : open_file();
}

}  // namespace

result<std::shared_ptr<partial>> folder_store::create_partial(const partial_id& id,
                                                              std::uint64_t expected_bytes) {
  const std::string what = "make partial " + id.text();
  if (auto sound = home_->check_writable(); !sound) return std::unexpected(sound.error());
  if (expected_bytes > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return fail(errc::invalid_argument, what + ": too large");
  }
  auto room = space();
  if (!room) return std::unexpected(room.error());
  if (room->usable_bytes == 0 || expected_bytes > room->usable_bytes) {
    return fail(errc::no_space, what + ": needs " + base::format_size(expected_bytes) + ", " +
                                    base::format_size(room->usable_bytes) + " may be used");
  }
  auto made =
      home_->open_in(home_->partials.fd(), file_name(id), O_RDWR | O_CREAT | O_EXCL, 0600, what);
  if (!made) return std::unexpected(made.error());
  const int allocated = allocate(home_->files, made->fd(), expected_bytes);
  if (allocated < 0) {
    if (auto removed = remove_partial(id); !removed) return std::unexpected(removed.error());
    return fail_errno(-allocated, what);
  }
  auto seen = home_->stat_open(made->fd(), what);
  if (!seen) return std::unexpected(seen.error());
  return std::shared_ptr<partial>(
      new partial(home_, std::move(*made), open_direct(*home_, id), id, seen->id));
}

result<std::shared_ptr<partial>> folder_store::open_partial(const partial_id& id) {
  const std::string what = "open partial " + id.text();
  auto opened = home_->open_in(home_->partials.fd(), file_name(id), O_RDWR, 0, what);
  if (!opened) return std::unexpected(opened.error());
  auto seen = home_->stat_open(opened->fd(), what);
  if (!seen) return std::unexpected(seen.error());
  return std::shared_ptr<partial>(
      new partial(home_, std::move(*opened), open_direct(*home_, id), id, seen->id));
}

result<void> folder_store::remove_partial(const partial_id& id) {
  const int answer = uninterrupted(
      [&] { return home_->files.unlinkat(home_->partials.fd(), file_name(id).c_str(), 0); });
  if (answer < 0) return fail_errno(-answer, "remove partial " + id.text());
  return {};
}

result<void> folder_store::list_partials(
    const std::function<bool(const partial_info&)>& visit) const {
  const std::string what = "list the partials";
  // A descriptor of its own: the shared one's position is everyone's.
  auto folder = home_->open_in(home_->partials.fd(), ".", O_RDONLY | O_DIRECTORY, 0, what);
  if (!folder) return std::unexpected(folder.error());
  folder_reader reader(home_->files, folder->fd());
  for (;;) {
    auto item = reader.next(what);
    if (!item) return std::unexpected(item.error());
    if (!*item) return {};
    std::string_view name = (*item)->name;
    if (!name.ends_with(partial_suffix)) continue;
    name.remove_suffix(partial_suffix.size());
    const auto id = partial_id::parse(name);
    if (!id) continue;
    struct statx seen{};
    const int answer = uninterrupted([&] {
      return home_->files.statx(folder->fd(), (*item)->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
                                &seen);
    });
    if (answer == -ENOENT) continue;
    if (answer < 0) return fail_errno(-answer, what);
    const partial_info info{.id = *id,
                            .size_bytes = seen.stx_size,
                            .allocated_bytes = seen.stx_blocks * 512,
                            .mtime_ns = ns_of(seen.stx_mtime)};
    if (!visit(info)) return {};
  }
}

}  // namespace sluice::store
