#include "store/partial.h"

#include <fcntl.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "store/volume.h"

namespace sluice::store {

std::string partial_id::text() const { return base::to_hex(bytes); }

std::optional<partial_id> partial_id::parse(std::string_view text) noexcept {
  partial_id id;
  if (!base::from_hex(text, id.bytes)) return std::nullopt;
  return id;
}

namespace {

bool is_aligned(std::uint64_t offset, std::span<const std::byte> bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  return !bytes.empty() && (offset | bytes.size() | address) % direct_alignment_bytes == 0;
}

}  // namespace

partial::partial(std::shared_ptr<volume> home, open_file file, open_file direct,
                 const partial_id& id, const identity& file_identity)
    : home_(std::move(home)),
      file_(std::move(file)),
      direct_(std::move(direct)),
      id_(id),
      identity_(file_identity) {}

partial::~partial() {
  if (auto closed = close(); !closed) base::log_error("{}", closed.error().message());
}

std::string partial::shown() const { return "partial " + id_.text(); }

result<void> partial::check_sound() const {
  if (poisoned_) return fail(errc::io, shown() + ": an earlier sync failed; open it again");
  if (!file_) return fail(errc::conflict, shown() + ": closed");
  return home_->check_writable();
}

result<void> partial::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (auto sound = check_sound(); !sound) return sound;
  if (refuses_writes_) return fail(errc::conflict, "write to " + shown() + ": it is finished");
  constexpr std::uint64_t end_max = std::numeric_limits<std::int64_t>::max();
  if (bytes.size() > end_max || offset > end_max - bytes.size()) {
    return fail(errc::invalid_argument, "write to " + shown() + ": past the largest offset");
  }
  if (direct_ && is_aligned(offset, bytes)) {
    const auto written =
        write_all(home_->files, direct_.fd(), offset, bytes, "write to " + shown());
    // A volume that opens with O_DIRECT and then refuses, or a short write that ends between two
    // sectors.
    if (written || written.error().code != errc::invalid_argument) return written;
  }
  return write_all(home_->files, file_.fd(), offset, bytes, "write to " + shown());
}

result<std::size_t> partial::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (poisoned_) return fail(errc::io, shown() + ": an earlier sync failed; open it again");
  if (offset > std::numeric_limits<std::int64_t>::max() - out.size()) return 0;
  return read_full(home_->files, file_.fd(), offset, out, "read " + shown());
}

void partial::start_writeback(std::uint64_t offset, std::uint64_t count) noexcept {
  // Only this flag: the ones that wait would also take a failure that is the next sync's to tell.
  (void)home_->files.sync_file_range(file_.fd(), static_cast<std::int64_t>(offset),
                                     static_cast<std::int64_t>(count), SYNC_FILE_RANGE_WRITE);
}

// The kernel tells a failure once, to one caller: syncs run one after the other, and the one that
// fails poisons those that waited behind it.
result<void> partial::sync() {
  const std::lock_guard one_at_a_time(syncing_);
  if (auto sound = check_sound(); !sound) return sound;
  return judge(uninterrupted([&] { return home_->files.fdatasync(file_.fd()); }));
}

result<void> partial::judge(int answer) {
  if (answer < 0) poisoned_ = true;
  return home_->judge_sync(answer, "sync " + shown());
}

result<void> partial::finish(const final_form& form) {
  const std::lock_guard one_at_a_time(syncing_);
  if (auto sound = check_sound(); !sound) return sound;
  if (form.size_bytes > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return fail(errc::invalid_argument, "finish " + shown() + ": too large");
  }
  refuses_writes_ = true;
  file_layer& files = home_->files;
  const mode_t mode = (form.executable ? 0777 : 0666) & ~home_->umask;
  const struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                    to_timespec(form.mtime_ns)};
  const int fd = file_.fd();
  const auto size = static_cast<std::int64_t>(form.size_bytes);
  int answer = uninterrupted([&] { return files.ftruncate(fd, size); });
  if (answer == 0) answer = uninterrupted([&] { return files.fchmod(fd, mode); });
  if (answer == 0) answer = uninterrupted([&] { return files.futimens(fd, times); });
  if (answer < 0) return fail_errno(-answer, "finish " + shown());
  auto synced = judge(uninterrupted([&] { return files.fsync(fd); }));
  if (synced) finished_ = true;
  return synced;
}

result<void> partial::close() {
  const int direct = direct_.close();
  const int answer = file_.close();
  if (direct == 0 && answer == 0) return {};
  poisoned_ = true;
  return fail_errno(direct < 0 ? -direct : -answer, "close " + shown());
}

}  // namespace sluice::store
