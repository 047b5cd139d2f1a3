#include "transfer/upload.h"

#include <algorithm>
#include <future>

#include "transfer/upload_writer.h"

namespace sluice::transfer {

upload::upload(site& where, std::shared_ptr<checkpointer> checkpoints, catalog::upload_row row,
               store::rel_path path, std::shared_ptr<store::partial> file,
               const std::vector<catalog::held_block>& blocks,
               const std::optional<catalog::held_tail>& tail)
    : site_(where),
      checkpoints_(std::move(checkpoints)),
      id_(row.id),
      form_(row.form),
      path_(std::move(path)),
      row_(std::move(row)),
      file_(std::move(file)) {
  for (const auto& held : blocks) blocks_.set(held.block, held.digest, block_state::durable);
  if (tail && !blocks_.digest(tail->end_bytes / base::block_bytes)) {
    tail_ = durable_tail_ = tail;
    end_tail_as_block();
  }
  told_bytes_ = durable_bytes_anywhere();
}

upload::~upload() = default;

store::rel_path upload::path() const {
  const std::lock_guard lock(mutex_);
  return path_;
}

std::optional<std::uint64_t> upload::size_bytes() const {
  const std::lock_guard lock(mutex_);
  return row_.size_bytes;
}

std::uint64_t upload::held_count() const {
  const std::lock_guard lock(mutex_);
  return blocks_.count();
}

std::uint64_t upload::block_end() const {
  const std::lock_guard lock(mutex_);
  return blocks_.end();
}

std::optional<store::entry> upload::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

std::vector<catalog::held_block> upload::held(std::uint64_t first, std::uint64_t count) const {
  const std::lock_guard lock(mutex_);
  std::vector<catalog::held_block> found;
  blocks_.each([&](std::uint64_t block, const base::digest128& digest, block_state) {
    if (block >= first && block - first < count) found.push_back({block, digest});
  });
  return found;
}

std::vector<block_range> upload::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_ranges();
}

std::vector<block_range> upload::durable_ranges() const {
  range_builder ranges;
  blocks_.each([&](std::uint64_t block, const base::digest128&, block_state state) {
    if (state == block_state::durable) ranges.add(block);
  });
  return ranges.take();
}

std::shared_ptr<upload_writer> upload::attach(report_callback told, allowed by) {
  auto writer = std::make_shared<upload_writer>(shared_from_this(), std::move(told), std::move(by));
  const std::lock_guard lock(mutex_);
  std::erase_if(writers_, [](const auto& old) { return old.expired(); });
  writers_.push_back(writer);
  refused_ = false;
  return writer;
}

result<void> upload::check_phase() const {
  const std::string what = "go on with the upload of " + path_.text();
  switch (phase_) {
    case phase::open: return {};
    case phase::reopening: return fail(errc::busy, what + ": its file is being opened again");
    case phase::finishing: return fail(errc::conflict, what + ": it is being finished");
    case phase::done: return fail(errc::conflict, what + ": it is finished");
    case phase::aborted: return fail(errc::not_found, what + ": it was thrown away");
    case phase::broken: return std::unexpected(*broken_);
  }
  return fail(errc::internal, what);
}

result<void> upload::check_place(std::uint64_t offset, std::uint64_t size_bytes) const {
  const bool aligned = offset % base::block_bytes == 0;
  const bool block_sized = size_bytes > 0 && size_bytes <= base::block_bytes;
  bool fits = aligned && block_sized && offset <= base::file_bytes_max - size_bytes;
  if (fits && row_.size_bytes) {
    fits = offset < *row_.size_bytes &&
           size_bytes == std::min<std::uint64_t>(base::block_bytes, *row_.size_bytes - offset);
  } else if (fits && size_bytes < base::block_bytes) {
    fits = blocks_.end() <= offset / base::block_bytes + 1;  // it ends the file: none beyond it
  }
  if (fits) return {};
  return fail(errc::invalid_argument, "receive " + std::to_string(size_bytes) + " bytes at " +
                                          std::to_string(offset) + " of " + path_.text() +
                                          ": no whole block of the file");
}

// Of an upload whose size is not known nothing is allocated, and no limit was looked at yet.
result<void> upload::check_room(std::uint64_t end_bytes) {
  if (row_.size_bytes) return {};
  const std::string what = "receive " + path_.text();
  auto space = site_.store.space();
  if (!space) return std::unexpected(space.error());
  if (space->usable_bytes < base::block_bytes) {
    return fail(errc::no_space, what + ": " + base::format_size(space->usable_bytes) +
                                    " of the volume may be used");
  }
  if (!share_) return {};
  auto taken = share_->grow_to(end_bytes, site_.opts.partials_max_bytes);
  if (!taken) taken.error().context = what + ": " + taken.error().context;
  return taken;
}

result<upload::claim_ptr> upload::claim_block(std::uint64_t offset, std::uint64_t size_bytes,
                                              std::optional<base::digest128> expected) {
  auto mine = std::make_shared<claim>();
  mine->block = offset / base::block_bytes;
  mine->size_bytes = size_bytes;
  mine->expected = expected;
  // Held until the one before is fenced: who takes over from us waits for both.
  const std::lock_guard writing(mine->writing);
  claim_ptr before;
  {
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return std::unexpected(open.error());
    if (auto fits = check_place(offset, size_bytes); !fits) return std::unexpected(fits.error());
    mine->compare_only = expected && blocks_.digest(mine->block) == expected;
    if (mine->compare_only) return mine;
    if (auto room = check_room(offset + size_bytes); !room) return std::unexpected(room.error());
    mine->file = file_;
    before = std::exchange(claims_[mine->block], mine);
  }
  if (before) fence({before});
  if (auto dropped = drop_block(mine->block); !dropped) {
    const std::lock_guard lock(mutex_);
    if (auto it = claims_.find(mine->block); it != claims_.end() && it->second == mine) {
      claims_.erase(it);
    }
    return std::unexpected(dropped.error());
  }
  return mine;
}

void upload::release(const claim_ptr& mine) {
  const std::lock_guard writing(mine->writing);
  mine->file.reset();
  const std::lock_guard lock(mutex_);
  const auto found = claims_.find(mine->block);
  if (found != claims_.end() && found->second == mine) claims_.erase(found);
}

// Its bytes are about to be overwritten: first the catalog must not say any more that it is here.
// Only for the holder of the block's claim.
result<void> upload::drop_block(std::uint64_t block) {
  std::promise<result<void>> committed;
  auto outcome = committed.get_future();
  std::optional<base::digest128> digest;
  {
    const std::lock_guard in_order(order_);
    {
      const std::lock_guard lock(mutex_);
      digest = blocks_.digest(block);
      if (!digest) return {};
      blocks_.erase(block);
      if (checkpointing_) dropped_.insert(block);
    }
    site_.catalog.write(
        [id = id_, block](catalog::session& s) -> result<void> {
          catalog::remove_block(s, id, block);
          return {};
        },
        [&committed](result<void> r) { committed.set_value(std::move(r)); });
  }
  auto r = outcome.get();
  if (!r) {
    const std::lock_guard lock(mutex_);
    blocks_.set(block, *digest, block_state::received);  // untouched, and recorded as it was
  }
  return r;
}

result<void> upload::received(const claim_ptr& mine, const base::digest128& digest,
                              upload_writer& by) {
  bool due = false;
  {
    const std::lock_guard writing(mine->writing);
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return open;
    const bool taken =
        mine->compare_only ? blocks_.digest(mine->block) != digest : mine->fenced.load();
    if (taken) {
      return fail(errc::conflict, "receive block " + std::to_string(mine->block) + " of " +
                                      path_.text() + ": another connection sends it");
    }
    const std::uint64_t offset = mine->block * base::block_bytes;
    if (auto fits = check_place(offset, mine->size_bytes); !fits) return fits;
    by.untold_.push_back(mine->block);
    if (undurable_bytes_ == 0 && !untold_) undurable_since_ = clock::now();
    untold_ = true;
    if (!mine->compare_only) {
      blocks_.set(mine->block, digest, block_state::received);
      undurable_bytes_ += mine->size_bytes;
      if (!row_.size_bytes && mine->size_bytes < base::block_bytes) {
        row_.size_bytes = offset + mine->size_bytes;
        size_to_record_ = true;
      }
    }
    due = undurable_bytes_ >= site_.opts.checkpoint_bytes;
  }
  if (due) checkpoints_->request(shared_from_this());
  return {};
}

std::vector<upload::claim_ptr> upload::take_claims() {
  std::vector<claim_ptr> taken;
  taken.reserve(claims_.size() + 1);
  for (auto& [block, one] : claims_) taken.push_back(std::move(one));
  claims_.clear();
  if (serial_) taken.push_back(std::exchange(serial_, nullptr));
  return taken;
}

// Waits for what is being written under each claim; after it nothing more is.
void upload::fence(const std::vector<claim_ptr>& claims) {
  for (const auto& one : claims) {
    const std::lock_guard writing(one->writing);
    one->fenced = true;
    one->file.reset();
  }
}

// Not the one who ends the upload: only whom somebody else put out.
void upload::tell_fenced(const std::vector<claim_ptr>& claims) {
  for (const auto& one : claims) {
    fenced_callback told;
    {
      const std::lock_guard writing(one->writing);
      told = std::exchange(one->told, nullptr);
    }
    if (told) told();
  }
}

// What was received becomes durable.
result<void> upload::settle() {
  {
    const std::lock_guard lock(mutex_);
    if (blocks_.received_count() == 0 && !has_tail_news()) return {};
  }
  std::promise<result<void>> settled;
  checkpoint([&settled](const result<std::vector<block_range>>& durable) {
    settled.set_value(durable ? result<void>() : std::unexpected(durable.error()));
  });
  return settled.get_future().get();
}

std::vector<catalog::held_block> upload::durable_blocks(std::uint64_t first,
                                                        std::uint64_t count) const {
  const std::lock_guard lock(mutex_);
  std::vector<catalog::held_block> found;
  blocks_.each([&](std::uint64_t block, const base::digest128& digest, block_state state) {
    if (state != block_state::durable) return;
    if (block >= first && block - first < count) found.push_back({block, digest});
  });
  return found;
}

result<std::vector<block_digest>> upload::digests(std::uint64_t first, std::uint64_t count,
                                                  digest_source source) {
  if (auto settled = settle(); !settled) return std::unexpected(settled.error());
  std::vector<block_digest> answer;
  for (const auto& held : durable_blocks(first, count)) {
    if (source == digest_source::recorded) {
      answer.push_back({held.block, held.digest, std::nullopt});
      continue;
    }
    auto read = read_again(held);
    if (!read) return std::unexpected(read.error());
    if (*read) answer.push_back(**read);
  }
  return answer;
}

// None where the block was taken back meanwhile.
result<std::optional<block_digest>> upload::read_again(const catalog::held_block& held) {
  std::shared_ptr<store::partial> file;
  std::uint64_t size = base::block_bytes;
  const std::uint64_t offset = held.block * base::block_bytes;
  {
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return std::unexpected(open.error());
    file = file_;
    if (row_.size_bytes) size = std::min(size, *row_.size_bytes - offset);
  }
  std::vector<std::byte> bytes(size);
  auto read = file->read(offset, bytes);
  if (!read) return std::unexpected(read.error());
  const auto digest = base::digest_of(std::span(bytes).first(*read));
  {
    const std::lock_guard lock(mutex_);
    if (blocks_.digest(held.block) != held.digest) return std::nullopt;
  }
  if (digest != held.digest) {
    auto mine = claim_block(offset, size, std::nullopt);  // which drops the block
    if (!mine) return std::unexpected(mine.error());
    release(*mine);
  }
  return block_digest{held.block, digest, held.digest};
}

// Whether anything is different from before.
bool upload::update_wishes(const catalog::upload_row& row) {
  const std::lock_guard lock(mutex_);
  if (row_.executable == row.executable && row_.replaces == row.replaces &&
      row_.make_parents == row.make_parents) {
    return false;
  }
  row_.executable = row.executable;
  row_.replaces = row.replaces;
  row_.make_parents = row.make_parents;
  return true;
}

// For others to go on with.
bool upload::is_open() const {
  const std::lock_guard lock(mutex_);
  if (row_.state == catalog::upload_state::untold) return false;
  return phase_ == phase::open || phase_ == phase::reopening;
}

void upload::wait_while_finishing() {
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return phase_ != phase::finishing; });
}

bool upload::is_aborted() const {
  const std::lock_guard lock(mutex_);
  return phase_ == phase::aborted;
}

}  // namespace sluice::transfer
