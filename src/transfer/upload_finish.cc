// How an upload ends: whole and synced; the intent committed; the name given in one step; the
// folders synced; done committed. Each step may be taken again after a crash (recovery.h).
#include <ctime>

#include "base/log.h"
#include "catalog/links.h"
#include "transfer/allowed_place.h"
#include "transfer/names.h"
#include "transfer/reach.h"
#include "transfer/upload.h"

namespace sluice::transfer {

void upload::finish(const allowed& by, std::optional<std::uint64_t> size_bytes,
                    entry_callback done) {
  if (site_.audit) done = record(by, std::move(done));
  // A client that was killed and run again may ask for what its first run asked for already.
  wait_while_finishing();
  if (auto fine = check_rights(by); !fine) return done(std::unexpected(fine.error()));
  if (auto already = this->done()) return done(*already);
  auto begun = begin_finish(size_bytes);
  if (!begun) return done(std::unexpected(begun.error()));
  auto published = publish(*begun);
  if (!published) return done(std::unexpected(published.error()));
  commit_done(*published, std::move(done));
}

// A client that asks again for what is done already gets it told once more, and that is recorded.
entry_callback upload::record(const allowed& by, entry_callback done) {
  return [self = shared_from_this(), who = by.by(),
          done = std::move(done)](result<store::entry> r) mutable {
    const auto failed = r ? std::nullopt : std::optional(r.error().code);
    const auto bytes = r ? std::optional(r->size_bytes) : std::nullopt;
    note(self->site_, *who, "put", self->path().text(), failed, bytes);
    done(std::move(r));
  };
}

result<void> upload::check_rights(const allowed& by) const {
  if (!by.still_holds()) return std::unexpected(lost_right(by));
  if (auto there = reach(site_, *by.by(), this->path().text()); !there) {
    return std::unexpected(there.error());
  }
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    if (!row_.replaces) return {};
    path = path_.text();
  }
  auto replaced = base::permit<base::right::change>(by.by(), path);
  return replaced ? result<void>() : std::unexpected(replaced.error());
}

result<upload::finishing> upload::begin_finish(std::optional<std::uint64_t> size_bytes) {
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return !checkpointing_; });
  if (auto open = check_phase(); !open) return std::unexpected(open.error());
  if (form_ == catalog::upload_form::part) {
    return fail(errc::invalid_argument, "finish upload " + id_ + ": a part has no name");
  }
  if (row_.size_bytes && size_bytes && *size_bytes != *row_.size_bytes) {
    return fail(errc::conflict, "finish " + path_.text() + ": it has " +
                                    std::to_string(*row_.size_bytes) + " bytes, not " +
                                    std::to_string(*size_bytes));
  }
  if (!size_bytes) size_bytes = row_.size_bytes;
  if (!size_bytes) return fail(errc::invalid_argument, "finish " + path_.text() + ": no size");
  if (auto whole = check_whole(*size_bytes); !whole) return std::unexpected(whole.error());
  phase_ = phase::finishing;
  finishing what{row_, path_, file_, take_claims()};
  what.row.size_bytes = size_bytes;
  return what;
}

result<void> upload::check_whole(std::uint64_t size_bytes) const {
  const std::string what = "finish " + path_.text();
  const std::uint64_t needed =
      size_bytes / base::block_bytes + (size_bytes % base::block_bytes != 0 ? 1 : 0);
  if (blocks_.end() > needed) {
    return fail(errc::conflict,
                what + ": blocks lie beyond its " + std::to_string(size_bytes) + " bytes");
  }
  if (blocks_.count() != needed) {
    return fail(errc::conflict, what + ": " + std::to_string(needed - blocks_.count()) + " of " +
                                    std::to_string(needed) + " blocks are missing");
  }
  if (!row_.size_bytes && size_bytes % base::block_bytes != 0) {
    return fail(errc::conflict, what + ": its last block is longer than that");
  }
  return {};
}

// The file under its final name, durable; or open again with all its blocks.
result<store::entry> upload::publish(finishing& what) {
  fence(what.claims);
  what.claims.clear();
  auto policy = policy_now(site_.store, what.path, what.row.replaces, what.row.make_parents);
  if (!policy) {
    what.file.reset();
    note_refusal(policy.error());
    end_finish(phase::open);
    return std::unexpected(policy.error());
  }
  const store::final_form form{*what.row.size_bytes, what.row.mtime_ns, what.row.executable};
  auto ready = what.file->finish(form);
  if (ready) ready = commit_intent(what);
  if (!ready) {
    take_back_intent(what);
    return std::unexpected(ready.error());
  }
  auto published = site_.store.publish(*what.file, what.path, *policy);
  if (!published) {
    take_back_intent(what);
    note_refusal(as_conflict(published.error()));
    return std::unexpected(as_conflict(published.error()));
  }
  what.file.reset();
  if (auto synced = sync_name(site_, what.path); !synced) {
    // It has its name, and a crash may take that back: the next start looks, and goes on from
    // there.
    {
      const std::lock_guard lock(mutex_);
      broken_ = synced.error();
    }
    end_finish(phase::broken);
    return std::unexpected(synced.error());
  }
  return published;
}

void upload::note_refusal(const error& why) {
  const std::lock_guard lock(mutex_);
  refused_ = why.code == errc::exists || why.code == errc::conflict;
}

// From here on a restart publishes the file. All blocks are synced: `finish` of the partial did it.
result<void> upload::commit_intent(const finishing& what) {
  catalog::content_row content{to_catalog(what.file->file_identity()),
                               *what.row.size_bytes,
                               what.row.mtime_ns,
                               {},
                               std::nullopt};
  std::vector<catalog::held_block> fresh;
  {
    const std::lock_guard lock(mutex_);
    blocks_.each([&](std::uint64_t block, const base::digest128& digest, block_state state) {
      content.digests.push_back(digest);
      if (state == block_state::received) fresh.push_back({block, digest});
    });
  }
  auto committed = site_.catalog.write([&](catalog::session& s) -> result<void> {
    if (!catalog::add_blocks(s, id_, fresh, std::time(nullptr)) ||
        !catalog::set_state(s, id_, catalog::upload_state::publishing, content.size_bytes,
                            content.file)) {
      return fail(errc::not_found, "finish upload " + id_);
    }
    catalog::put_content(s, content);
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  for (const auto& held : fresh) blocks_.set(held.block, held.digest, block_state::durable);
  return {};
}

// Not published: the upload is open again, with all its blocks, or with those that are durable
// where the last sync failed.
void upload::take_back_intent(finishing& what) {
  const auto file = to_catalog(what.file->file_identity());
  const bool poisoned = what.file->is_poisoned();
  what.file.reset();
  auto committed = site_.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::remove_content(s, file);
    (void)catalog::set_state(s, id_, row_.state, row_.size_bytes, {});
    return {};
  });
  // Left as it is, the next start tries to publish it, and takes it back then.
  if (!committed) base::log_error("upload {}: {}", id_, committed.error().message());
  reports told;
  if (poisoned) {
    const auto lost = lose_received({errc::io, "sync before publishing"});
    const std::lock_guard lock(mutex_);
    told = report(lost, std::nullopt);
  } else {
    reopen_file();
  }
  tell(told);
  end_finish(std::nullopt);
}

void upload::commit_done(const store::entry& published, entry_callback done) {
  site_.catalog.write(
      [id = id_, owner = share_ && share_->is_counted() ? row_.owner : std::string(),
       published](catalog::session& s) -> result<void> {
        (void)catalog::set_state(s, id, catalog::upload_state::done, published.size_bytes,
                                 to_catalog(published.id));
        if (!owner.empty()) catalog::charge(s, owner, published.size_bytes, 1);
        return {};
      },
      [self = shared_from_this(), published, done = std::move(done)](result<void> r) mutable {
        // The file stands under its name whatever this commit says; the next start will see it.
        if (!r) base::log_error("upload {}: {}", self->id_, r.error().message());
        {
          const std::lock_guard lock(self->mutex_);
          self->done_ = published;
          self->tell_stored(published);
          self->file_.reset();
          if (self->share_) self->share_->stay(published.size_bytes);
        }
        self->end_finish(phase::done);
        done(published);
      });
}

// Without `next`, the phase is what opening the file anew made of it.
void upload::end_finish(std::optional<phase> next) {
  std::vector<checkpoint_callback> calls;
  std::vector<block_range> all;
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    if (next) phase_ = *next;
    again = std::exchange(again_, false) || !waiting_.empty();
    if (next == phase::done) {
      calls = std::exchange(waiting_, {});
      all = durable_ranges();
    }
    quiet_.notify_all();
  }
  for (auto& call : calls) call(all);
  if (again && next != phase::done) checkpoints_->request(shared_from_this());
}

result<void> upload::abort() {
  std::vector<claim_ptr> claims;
  {
    std::unique_lock lock(mutex_);
    quiet_.wait(lock, [this] { return !checkpointing_; });
    if (phase_ == phase::aborted) return {};
    if (phase_ != phase::broken) {
      if (auto open = check_phase(); !open) return open;
    }
    phase_ = phase::aborted;
    claims = take_claims();
  }
  fence(claims);
  tell_fenced(claims);
  {
    const std::lock_guard lock(mutex_);
    file_.reset();
  }
  auto committed = site_.catalog.write([this](catalog::session& s) -> result<void> {
    catalog::remove_upload(s, id_);
    return {};
  });
  auto removed = site_.store.remove_partial(*store::partial_id::parse(id_));
  if (share_) share_->release();
  tell(event_kind::upload_ended);
  checkpoints_->request(shared_from_this());  // tells those who wait for a checkpoint
  if (!committed) return committed;
  return removed;
}

}  // namespace sluice::transfer
