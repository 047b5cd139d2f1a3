// One request's way into an upload: it brings blocks and is told when they are durable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/digest.h"
#include "sluice/error.h"
#include "transfer/upload.h"

namespace sluice::transfer {

// A block that arrives in pieces. Each piece is written where it belongs at once, so that no block
// is ever whole in memory; the block counts only after its digest matched. Move-only, one thread at
// a time. Thrown away before `finish`, it leaves nothing that counts.
//
// When somebody else begins the same block, the later one writes, and this one gets `conflict`.
class block_in_pieces {
 public:
  block_in_pieces(block_in_pieces&&) noexcept = default;
  block_in_pieces& operator=(block_in_pieces&&) = delete;
  ~block_in_pieces();

  // The next bytes of the block. Blocks on the disk.
  //   invalid_argument: more than the block has; conflict: taken over, or the upload ended;
  //   no_space, io
  [[nodiscard]] result<void> append(std::span<const std::byte> piece);

  // bad_digest: the block is not as expected, and does not count. invalid_argument: bytes are
  // missing. On success the block is received, and will be told durable.
  [[nodiscard]] result<void> finish();

 private:
  friend class upload_writer;
  block_in_pieces(std::shared_ptr<upload_writer> by, upload::claim_ptr mine);
  [[nodiscard]] result<void> check_digest(const base::digest128& seen) const;

  std::shared_ptr<upload_writer> by_;
  upload::claim_ptr mine_;
  base::digest_stream stream_;
  std::uint64_t arrived_bytes_ = 0;
};

// Made by `upload::attach`. Thread-safe: blocks may come from several threads at once. When it is
// gone nobody is told, and the upload stays open.
class upload_writer : public std::enable_shared_from_this<upload_writer> {
 public:
  upload_writer(std::shared_ptr<upload> home, report_callback told, upload::allowed by)
      : home_(std::move(home)), told_(std::move(told)), by_(std::move(by)) {}

  [[nodiscard]] upload& home() const noexcept { return *home_; }
  // To finish the upload with.
  [[nodiscard]] const upload::allowed& by() const noexcept { return by_; }

  // A whole block: `offset` is a multiple of 1 MiB, and only the last block of the file is shorter.
  // Of an upload of unknown size, the first shorter block ends the file. Blocks on the disk.
  // A block may come again; the later one counts.
  //   bad_digest: nothing was written; invalid_argument: no whole block of the file;
  //   conflict: another connection took the block over, or the upload is being finished;
  //   not_found: it was aborted; not_allowed: the right to it was lost; no_space, io
  [[nodiscard]] result<void> write(std::uint64_t offset, std::span<const std::byte> payload,
                                   const base::digest128& digest);

  // The same in pieces. `expected` may be left out by a protocol that has no digests: what arrived
  // is then recorded with its own. A block that is here with another digest is forgotten first,
  // durably, since its bytes are about to be overwritten.
  [[nodiscard]] result<block_in_pieces> begin(std::uint64_t offset, std::uint64_t size_bytes,
                                              std::optional<base::digest128> expected);

  // As `upload::checkpoint`. not_allowed: the right to it was lost.
  void checkpoint(checkpoint_callback done);

 private:
  friend class upload;
  friend class block_in_pieces;
  [[nodiscard]] result<void> check_request() const;

  const std::shared_ptr<upload> home_;
  const report_callback told_;
  const upload::allowed by_;
  std::vector<std::uint64_t> untold_;  // blocks that came and were not told; under the home's mutex
};

}  // namespace sluice::transfer
