// How what was received becomes durable: the file is synced, then the rows are committed, then the
// writers are told. Writing goes on meanwhile; what comes too late waits for the next checkpoint.
#include <ctime>

#include "base/log.h"
#include "transfer/allowed_place.h"
#include "transfer/upload.h"
#include "transfer/upload_writer.h"

namespace sluice::transfer {

void upload::checkpoint(checkpoint_callback done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));
    if (checkpointing_) again_ = true;
  }
  checkpoints_->request(shared_from_this());
}

bool upload::is_due(clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  if (phase_ != phase::open || checkpointing_) return false;
  if (undurable_bytes_ == 0 && !untold_) return false;
  return now - undurable_since_ >= site_.opts.checkpoint_interval;
}

// Nothing is lost when it is put away and made again from the catalog.
bool upload::is_idle() const {
  const std::lock_guard lock(mutex_);
  if (phase_ == phase::broken || phase_ == phase::done || phase_ == phase::aborted) return true;
  return phase_ == phase::open && !checkpointing_ && waiting_.empty() && claims_.empty() &&
         !serial_ && blocks_.received_count() == 0 && !has_tail_news() && !size_to_record_;
}

void upload::run_checkpoint() {
  auto what = begin_checkpoint();
  if (!what) return;
  std::shared_ptr<store::partial> file;
  {
    const std::lock_guard lock(mutex_);
    file = file_;
  }
  if ((!what->blocks.empty() || what->tail) && site_.syncs()) {
    if (auto synced = file->sync(); !synced) {
      file.reset();
      return end_checkpoint({}, synced, lose_received(synced.error()));
    }
  }
  commit_checkpoint(std::move(*what));
}

// What this checkpoint makes durable; none where there is nothing to do, or another one runs.
std::optional<upload::batch> upload::begin_checkpoint() {
  std::vector<checkpoint_callback> refused;
  error why;
  {
    const std::lock_guard lock(mutex_);
    if (checkpointing_ || phase_ == phase::finishing) {
      again_ = true;
      return std::nullopt;
    }
    if (phase_ == phase::open) {
      const bool is_news = blocks_.received_count() != 0 || has_tail_news();
      if (!is_news && waiting_.empty() && !untold_) return std::nullopt;
      checkpointing_ = true;
      again_ = untold_ = false;
      undurable_bytes_ = 0;
      called_after_ = std::exchange(waiting_, {});
      batch what;
      if (has_tail_news()) what.tail = tail_;
      if (blocks_.received_count() == 0) return what;
      blocks_.each([&](std::uint64_t block, const base::digest128& digest, block_state state) {
        if (state == block_state::received) what.blocks.push_back({block, digest});
      });
      return what;
    }
    why = check_phase().error();
    refused = std::exchange(waiting_, {});
  }
  for (auto& call : refused) call(std::unexpected(why));
  return std::nullopt;
}

void upload::commit_checkpoint(batch what) {
  auto shared = std::make_shared<batch>(std::move(what));
  {
    const std::lock_guard in_order(order_);
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(shared->blocks,
                    [this](const auto& held) { return dropped_.contains(held.block); });
      if (size_to_record_) shared->size_bytes = row_.size_bytes;
    }
    if (!shared->blocks.empty() || shared->tail) {
      return site_.catalog.write(
          [id = id_, shared](catalog::session& s) -> result<void> {
            if (!catalog::add_blocks(s, id, shared->blocks, std::time(nullptr))) {
              return fail(errc::not_found, "record blocks of upload " + id);
            }
            if (shared->tail && !catalog::set_tail(s, id, shared->tail, std::time(nullptr))) {
              return fail(errc::not_found, "record the tail of upload " + id);
            }
            if (shared->size_bytes) catalog::set_size(s, id, *shared->size_bytes);
            return {};
          },
          [self = shared_from_this(), shared](const result<void>& committed) {
            self->end_checkpoint(*shared, committed, {});
          });
    }
  }
  end_checkpoint(*shared, {}, {});
}

void upload::end_checkpoint(const batch& what, const result<void>& committed,
                            const std::set<std::uint64_t>& lost) {
  reports told;
  std::vector<checkpoint_callback> calls;
  std::vector<block_range> all;
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& held : what.blocks) {
      if (!committed || dropped_.contains(held.block)) continue;
      blocks_.set(held.block, held.digest, block_state::durable);
    }
    if (committed && what.tail) durable_tail_ = what.tail;
    if (committed && what.size_bytes) size_to_record_ = false;
    if (!committed && undurable_bytes_ == 0) {  // the next tick tries again
      undurable_bytes_ = blocks_.received_count() + (has_tail_news() ? 1 : 0);
      undurable_since_ = clock::now();
    }
    told = report(lost, committed ? std::nullopt : std::optional(committed.error()));
    calls = std::exchange(called_after_, {});
    if (committed && !calls.empty()) all = durable_ranges();
    dropped_.clear();
    checkpointing_ = false;
    again = std::exchange(again_, false);
    quiet_.notify_all();
  }
  tell(told);
  if (committed) tell_progress(clock::now());
  for (auto& call : calls) {
    if (committed) {
      call(all);
    } else {
      call(std::unexpected(committed.error()));
    }
  }
  if (again) checkpoints_->request(shared_from_this());
}

// A partial that was finished takes no more bytes, and one whose sync failed tells no truth: it is
// closed, and opened anew. Only while nothing else syncs or finishes it.
void upload::reopen_file() {
  std::vector<claim_ptr> claims;
  std::shared_ptr<store::partial> old;
  {
    const std::lock_guard lock(mutex_);
    phase_ = phase::reopening;
    claims = take_claims();
    old = std::exchange(file_, nullptr);
  }
  fence(claims);
  if (auto closed = old->close(); !closed) base::log_error("{}", closed.error().message());
  old.reset();
  auto reopened = site_.store.open_partial(*store::partial_id::parse(id_));
  const std::lock_guard lock(mutex_);
  phase_ = reopened ? phase::open : phase::broken;
  if (reopened) {
    file_ = std::move(*reopened);
  } else {
    broken_ = reopened.error();
  }
}

// A sync failed: what the kernel still holds may be gone, and another sync would hide it. Back to
// what is recorded as durable. The blocks that are gone.
std::set<std::uint64_t> upload::lose_received(const error& why) {
  base::log_error("upload {} of {}: {}; back to what is durable", id_, path_.text(), why.message());
  std::set<std::uint64_t> lost;
  {
    const std::lock_guard lock(mutex_);
    phase_ = phase::reopening;  // nothing is received from here on
    blocks_.each([&](std::uint64_t block, const base::digest128&, block_state state) {
      if (state == block_state::received) lost.insert(block);
    });
    for (const auto block : lost) blocks_.erase(block);
    tail_ = durable_tail_;
    if (tail_ && blocks_.digest(tail_->end_bytes / base::block_bytes)) tail_.reset();
    undurable_bytes_ = 0;
  }
  reopen_file();
  return lost;
}

// What each writer has to hear, and has not heard yet.
upload::reports upload::report(const std::set<std::uint64_t>& lost,
                               const std::optional<error>& failure) {
  reports all;
  for (const auto& each : writers_) {
    auto writer = each.lock();
    if (!writer || (writer->untold_.empty() && !failure)) continue;
    std::set<std::uint64_t> mine(writer->untold_.begin(), writer->untold_.end());
    writer->untold_.clear();
    range_builder durable, gone;
    for (const auto block : mine) {
      const auto state = blocks_.state(block);
      if (state == block_state::durable) {
        durable.add(block);
      } else if (lost.contains(block)) {
        gone.add(block);
      } else if (state == block_state::received) {
        writer->untold_.push_back(block);
      }
    }
    all.emplace_back(std::move(writer), durability_report{durable.take(), gone.take(), failure});
  }
  return all;
}

void upload::tell(const reports& all) {
  for (const auto& [writer, what] : all) {
    if (!writer->told_) continue;
    if (what.durable.empty() && what.lost.empty() && !what.failure) continue;
    if (writer->by_.still_holds()) {
      writer->told_(what);
    } else {
      writer->told_({.durable = {}, .lost = {}, .failure = lost_right(writer->by_)});
    }
  }
}

}  // namespace sluice::transfer
