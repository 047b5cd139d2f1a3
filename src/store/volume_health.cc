// When a sync fails, and how many syncs become one.
#include <cerrno>

#include "base/log.h"
#include "store/volume.h"

namespace sluice::store {

result<void> volume::check_writable() const {
  if (read_only) return fail(errc::not_allowed, "the served folder is on a read-only volume");
  if (!refuses_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(health_);
  if (!failure_) return {};
  return fail(errc::io,
              "the volume refuses writes since a sync failed (" + failure_->context +
                  "); what was acknowledged is safe; restart the server once the disk is well");
}

result<void> volume::judge_sync(int answer, const std::string& what) {
  if (answer >= 0) return {};
  auto told = fail_errno(-answer, what);
  if (answer != -ENOSPC && answer != -EDQUOT) {
    const std::lock_guard lock(health_);
    if (!failure_) {
      base::log_error("the volume refuses writes from now on: {}", told.error().message());
      failure_ = told.error();
    }
    refuses_.store(true, std::memory_order_release);
  }
  return told;
}

std::optional<error> volume::failure() const {
  const std::lock_guard lock(health_);
  return failure_;
}

void volume::readmit() {
  const std::lock_guard lock(health_);
  failure_.reset();
  refuses_.store(false, std::memory_order_release);
}

result<void> volume::sync_all() {
  if (auto sound = check_writable(); !sound) return sound;
  auto outcome = all_syncs_.join([this] {
    const auto before = fresh.now();
    auto judged =
        judge_sync(uninterrupted([this] { return files.syncfs(root.fd()); }), "sync the volume");
    if (judged) fresh.all_synced(before);
    return judged;
  });
  if (!outcome) return outcome;
  // An earlier run that failed meanwhile may have lost what this caller wrote.
  return check_writable();
}

result<void> volume::sync_partials() {
  if (auto sound = check_writable(); !sound) return sound;
  return partials_syncs_.join([this] {
    return judge_sync(uninterrupted([this] { return files.fsync(partials.fd()); }),
                      "sync the partials folder");
  });
}

}  // namespace sluice::store
