// Reading what the disk holds: a flipped bit there does not show while the page cache has the
// bytes.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "store/partial.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

result<std::shared_ptr<const content>> folder_store::open_at_rest(const rel_path& path) const {
  auto opened = open_content(path);
  if (!opened) return opened;
  auto made = std::const_pointer_cast<content>(*opened);
  // By the same name, and only if it is still the same file.
  auto direct = home_->open_to_read(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_DIRECT);
  if (!direct) return opened;
  auto seen = home_->stat_open(direct->fd(), doing("open", path));
  if (seen && seen->id == made->info_.id) made->direct_ = std::move(*direct);
  return opened;
}

result<std::size_t> content::read_at_rest(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > std::numeric_limits<std::int64_t>::max() - out.size()) return 0;
  const std::string what = "read " + shown_path_;
  if (direct_) {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t count = uninterrupted([&] {
        return home_->files.pread(direct_.fd(), out.subspan(done),
                                  static_cast<std::int64_t>(offset + done));
      });
      if (count == -EINVAL && done == 0) break;  // the volume opens with O_DIRECT, and then refuses
      if (count < 0) return fail_errno(static_cast<int>(-count), what);
      done += static_cast<std::size_t>(count);
      // A count between two sectors is the end of the file.
      if (count == 0 || done % direct_alignment_bytes != 0 || done == out.size()) return done;
    }
  }
  // Only clean pages go, so this drops nothing that is not on the disk. Its answer is only advice.
  (void)::posix_fadvise(file_.fd(), static_cast<off_t>(offset), static_cast<off_t>(out.size()),
                        POSIX_FADV_DONTNEED);
  return read_full(home_->files, file_.fd(), offset, out, what);
}

}  // namespace sluice::store
