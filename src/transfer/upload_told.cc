// What those who follow the folder hear of an upload. With `mutex_` held while it is told, so that
// nothing of an upload is told behind its end; the lock of the events is below all others.
#include "transfer/upload.h"

namespace sluice::transfer {
namespace {

// Of one upload, told at most so often; newer figures wait for the next turn.
constexpr auto progress_pause = std::chrono::milliseconds(250);

}  // namespace

void upload::tell(event_kind kind) const {
  const std::lock_guard lock(mutex_);
  tell_now(kind);
}

// A part has no name under which anybody could know it.
void upload::tell_now(event_kind kind) const {
  if (form_ == catalog::upload_form::part || !site_.told->has_followers()) return;
  site_.told->tell({.kind = kind,
                    .path = path_.text(),
                    .upload = number_,
                    .size_bytes = row_.size_bytes,
                    .durable_bytes = durable_bytes_anywhere()});
}

void upload::tell_stored(const store::entry& published) const {
  if (!site_.told->has_followers()) return;
  site_.told->tell({.kind = event_kind::upload_finished,
                    .path = path_.text(),
                    .upload = number_,
                    .size_bytes = published.size_bytes,
                    .durable_bytes = published.size_bytes});
  site_.told->tell({.kind = event_kind::stored,
                    .path = path_.text(),
                    .entry = published,
                    .replaced = row_.replaces.has_value()});
}

void upload::tell_progress(clock::time_point now, bool at_once) {
  if (!site_.told->has_followers()) return;
  const std::lock_guard lock(mutex_);
  if (phase_ == phase::done || phase_ == phase::aborted) return;
  if (!at_once && now - told_at_ < progress_pause) return;
  const auto bytes = durable_bytes_anywhere();
  if (bytes == told_bytes_) return;
  told_bytes_ = bytes;
  told_at_ = now;
  tell_now(event_kind::upload_progress);
}

// Never more than there are: the last block may be shorter than the others.
std::uint64_t upload::durable_bytes_anywhere() const {
  if (form_ != catalog::upload_form::blocks) return durable_bytes_now();
  const std::uint64_t bytes = (blocks_.count() - blocks_.received_count()) * base::block_bytes;
  const std::uint64_t last = row_.size_bytes.value_or(0) % base::block_bytes;
  if (last == 0) return bytes;
  const bool has_last = blocks_.state(*row_.size_bytes / base::block_bytes) == block_state::durable;
  return has_last ? bytes - base::block_bytes + last : bytes;
}

}  // namespace sluice::transfer
