#include "transfer/block_run.h"

#include <algorithm>

namespace sluice::transfer {

block_run::block_run(std::shared_ptr<upload_writer> to, std::uint64_t first)
    : byte_writer(to->home().shared_from_this(),
                  std::min(first, base::file_bytes_max / base::block_bytes) * base::block_bytes,
                  to->by()),
      to_(std::move(to)) {}

// Of the block that `offset_` is in.
result<std::uint64_t> block_run::block_end() const {
  const auto size_bytes = home_->size_bytes();
  if (!size_bytes || offset_ >= *size_bytes) {
    return fail(errc::invalid_argument,
                "receive " + home_->path().text() + ": bytes behind its end");
  }
  return std::min((offset_ / base::block_bytes + 1) * base::block_bytes, *size_bytes);
}

result<void> block_run::append(std::span<const std::byte> piece) {
  while (!piece.empty()) {
    const auto end = block_end();
    if (!end) return std::unexpected(end.error());
    const auto now = piece.first(std::min<std::uint64_t>(piece.size(), *end - offset_));
    if (auto written = append_to(*end, now); !written) return written;
    piece = piece.subspan(now.size());
  }
  return {};
}

result<void> block_run::append_to(std::uint64_t end, std::span<const std::byte> piece) {
  const auto begin = offset_;
  offset_ += piece.size();
  if (!unfinished_ && offset_ == end) return to_->write(begin, piece, base::digest_of(piece));
  if (!unfinished_) {
    auto begun = to_->begin(begin, end - begin, std::nullopt);
    if (!begun) return std::unexpected(begun.error());
    unfinished_.emplace(std::move(*begun));
  }
  if (auto written = unfinished_->append(piece); !written) return written;
  if (offset_ < end) return {};
  auto finished = unfinished_->finish();
  unfinished_.reset();
  return finished;
}

}  // namespace sluice::transfer
