#include "transfer/serial_upload.h"

#include <algorithm>

#include "transfer/allowed_place.h"

namespace sluice::transfer {
namespace {

// Smaller pieces are left to the checkpoint: one page would be written again and again.
constexpr std::size_t writeback_bytes_min = std::size_t{256} << 10;

}  // namespace

serial_writer::serial_writer(std::shared_ptr<upload> home, upload::claim_ptr mine,
                             std::uint64_t offset, base::digest_stream tail, upload::allowed by)
    : byte_writer(std::move(home), offset, std::move(by)),
      mine_(std::move(mine)),
      tail_(std::move(tail)) {}

serial_writer::~serial_writer() { give_up(); }

void serial_writer::give_up() {
  failed_ = true;
  home_->release_serially(mine_);
}

std::size_t serial_writer::wanted_bytes() const noexcept {
  return base::block_bytes - static_cast<std::size_t>(offset_ % base::block_bytes);
}

error serial_writer::taken_over() const {
  return {errc::conflict, "receive " + home_->path().text() +
                              ": a newer request goes on with the upload, or it ended"};
}

result<void> serial_writer::append(std::span<const std::byte> piece) {
  if (failed_)
    return fail(errc::conflict, "receive " + home_->path().text() + ": it failed before");
  failed_ = true;
  if (!by_.still_holds()) return std::unexpected(lost_right(by_));
  const auto size = home_->check_append(offset_, piece.size());
  if (!size) return std::unexpected(size.error());
  while (!piece.empty()) {
    const auto whole = std::min<std::uint64_t>(wanted_bytes(), *size - offset_);
    const auto now = piece.first(std::min<std::size_t>(piece.size(), whole));
    if (auto written = write(now); !written) return written;
    note(now, *size);
    piece = piece.subspan(now.size());
    if (holds_back_) continue;
    if (auto kept = hand_over(); !kept) return kept;
  }
  failed_ = false;
  return {};
}

result<void> serial_writer::write(std::span<const std::byte> piece) {
  const std::lock_guard writing(mine_->writing);
  if (mine_->fenced) return std::unexpected(taken_over());
  if (auto written = mine_->file->write(offset_, piece); !written) return written;
  if (piece.size() >= writeback_bytes_min) mine_->file->start_writeback(offset_, piece.size());
  return {};
}

// `piece` lies in one block.
void serial_writer::note(std::span<const std::byte> piece, std::uint64_t size_bytes) {
  const auto block = offset_ / base::block_bytes;
  const auto begin = block * base::block_bytes;
  const auto end = offset_ + piece.size();
  const bool ends_block = end - begin == base::block_bytes || end == size_bytes;
  fresh_.size_bytes += piece.size();
  if (offset_ == begin && ends_block) {
    fresh_.blocks.push_back({block, base::digest_of(piece)});
    fresh_.tail.reset();
  } else {
    tail_.update(piece);
    if (ends_block) {
      fresh_.blocks.push_back({block, tail_.digest()});
      fresh_.tail.reset();
      tail_.reset();
    } else {
      fresh_.tail = {end, tail_.digest()};
    }
  }
  offset_ = end;
}

result<void> serial_writer::hand_over() {
  const std::lock_guard writing(mine_->writing);
  if (mine_->fenced) return std::unexpected(taken_over());
  if (fresh_.size_bytes == 0) return {};
  if (auto taken = home_->received_serially(fresh_); !taken) return taken;
  fresh_ = {};
  return {};
}

result<void> serial_writer::keep() {
  holds_back_ = false;
  return hand_over();
}

result<void> serial_writer::declare_size(std::uint64_t size_bytes) {
  const std::lock_guard writing(mine_->writing);
  if (mine_->fenced) return std::unexpected(taken_over());
  auto recorded = home_->record_size(size_bytes, offset_);
  if (recorded && offset_ == size_bytes) tail_.reset();
  return recorded;
}

void serial_writer::checkpoint(offset_callback done) {
  if (mine_->fenced) return done(std::unexpected(taken_over()));
  home_->checkpoint([self = shared_from_this(), done = std::move(done)](
                        const result<std::vector<block_range>>& durable) mutable {
    if (!durable) return done(std::unexpected(durable.error()));
    // The newer one tells what is there now: what we say could be wrong when it arrives.
    if (self->mine_->fenced) return done(std::unexpected(self->taken_over()));
    if (!self->by_.still_holds()) return done(std::unexpected(lost_right(self->by_)));
    done(self->home_->durable_bytes());
  });
}

}  // namespace sluice::transfer
