#include "transfer/upload_writer.h"

#include "transfer/allowed_place.h"

namespace sluice::transfer {

result<void> upload_writer::write(std::uint64_t offset, std::span<const std::byte> payload,
                                  const base::digest128& digest) {
  if (base::digest_of(payload) != digest) {
    return fail(errc::bad_digest,
                "receive the block at " + std::to_string(offset) + " of " + home_->path().text());
  }
  if (auto takes = check_request(); !takes) return takes;
  auto claimed = home_->claim_block(offset, payload.size(), digest);
  if (!claimed) return std::unexpected(claimed.error());
  block_in_pieces block(shared_from_this(), std::move(*claimed));
  if (!block.mine_->compare_only) {
    if (auto written = block.append(payload); !written) return written;
  }
  return home_->received(block.mine_, digest, *this);
}

result<block_in_pieces> upload_writer::begin(std::uint64_t offset, std::uint64_t size_bytes,
                                             std::optional<base::digest128> expected) {
  if (auto takes = check_request(); !takes) return std::unexpected(takes.error());
  auto claimed = home_->claim_block(offset, size_bytes, expected);
  if (!claimed) return std::unexpected(claimed.error());
  return block_in_pieces(shared_from_this(), std::move(*claimed));
}

void upload_writer::checkpoint(checkpoint_callback done) {
  home_->checkpoint([self = shared_from_this(),
                     done = std::move(done)](result<std::vector<block_range>> durable) mutable {
    if (!self->by_.still_holds()) return done(std::unexpected(lost_right(self->by_)));
    done(std::move(durable));
  });
}

result<void> upload_writer::check_request() const {
  if (!by_.still_holds()) return std::unexpected(lost_right(by_));
  if (home_->form() == catalog::upload_form::blocks) return {};
  return fail(errc::conflict, "receive a block of " + home_->path().text() +
                                  ": it is written from the beginning to the end");
}

block_in_pieces::block_in_pieces(std::shared_ptr<upload_writer> by, upload::claim_ptr mine)
    : by_(std::move(by)), mine_(std::move(mine)) {}

block_in_pieces::~block_in_pieces() {
  if (mine_) by_->home_->release(mine_);
}

result<void> block_in_pieces::append(std::span<const std::byte> piece) {
  if (piece.size() > mine_->size_bytes - arrived_bytes_) {
    return fail(errc::invalid_argument, "receive block " + std::to_string(mine_->block) + " of " +
                                            by_->home_->path().text() + ": too many bytes");
  }
  stream_.update(piece);
  const std::uint64_t offset = mine_->block * base::block_bytes + arrived_bytes_;
  arrived_bytes_ += piece.size();
  if (mine_->compare_only) return {};
  const std::lock_guard writing(mine_->writing);
  if (mine_->fenced) {
    return fail(errc::conflict, "receive block " + std::to_string(mine_->block) + " of " +
                                    by_->home_->path().text() +
                                    ": another connection sends it, or the upload ended");
  }
  if (auto written = mine_->file->write(offset, piece); !written) return written;
  mine_->file->start_writeback(offset, piece.size());
  return {};
}

result<void> block_in_pieces::check_digest(const base::digest128& seen) const {
  const std::string what =
      "receive block " + std::to_string(mine_->block) + " of " + by_->home_->path().text();
  if (arrived_bytes_ != mine_->size_bytes) {
    return fail(errc::invalid_argument, what + ": " + std::to_string(arrived_bytes_) + " of " +
                                            std::to_string(mine_->size_bytes) + " bytes came");
  }
  if (mine_->expected && *mine_->expected != seen) return fail(errc::bad_digest, what);
  return {};
}

result<void> block_in_pieces::finish() {
  const auto digest = stream_.digest();
  if (auto right = check_digest(digest); !right) return right;
  return by_->home_->received(mine_, digest, *by_);
}

}  // namespace sluice::transfer
