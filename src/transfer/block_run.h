// Blocks that come one after the other, from any of the upload on: what a request brings that has
// neither heads nor digests. Several runs may fill one upload, from several connections.
#pragma once

#include <optional>

#include "transfer/byte_writer.h"
#include "transfer/upload_writer.h"

namespace sluice::transfer {

// Of an upload whose size is known. Each block counts once all of it came; what is there of the
// last one when the run is thrown away does not.
class block_run final : public byte_writer {
 public:
  // `first`: the number of the first block.
  block_run(std::shared_ptr<upload_writer> to, std::uint64_t first);

  // invalid_argument: also where nothing is behind the first block of it
  [[nodiscard]] result<void> append(std::span<const std::byte> piece) override;

  // Nothing is there of a block that is not whole.
  [[nodiscard]] bool ends_a_block() const noexcept { return !unfinished_; }

 private:
  [[nodiscard]] result<std::uint64_t> block_end() const;
  [[nodiscard]] result<void> append_to(std::uint64_t end, std::span<const std::byte> piece);

  const std::shared_ptr<upload_writer> to_;
  std::optional<block_in_pieces> unfinished_;
};

}  // namespace sluice::transfer
