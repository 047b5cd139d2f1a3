// What stands before the payload in the body of a BLOCK frame (docs/wire.md, section 3).
//
//   0          8          24
//   | offset   | digest   | payload ...         offset big-endian, digest in its canonical form
//
// Pure functions on bytes; usable from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/digest.h"
#include "base/limits.h"
#include "sluice/error.h"
#include "wire/frame_head.h"

namespace sluice::wire {

inline constexpr std::size_t block_head_bytes = 24;
inline constexpr std::size_t max_block_body_bytes = block_head_bytes + base::block_bytes;
// Of a BLOCK frame, all before the payload: frame head and block head.
inline constexpr std::size_t block_frame_head_bytes = head_bytes + block_head_bytes;

struct block_head {
  std::uint64_t offset = 0;  // of the payload's first byte in the file
  base::digest128 digest{};  // of the payload
  friend bool operator==(const block_head&, const block_head&) = default;
};

// Refuses (bad_frame) a payload that is empty, crosses a block's border or ends over 2^63 - 1.
[[nodiscard]] result<void> check_block(std::uint64_t offset, std::uint64_t payload_bytes);

[[nodiscard]] std::array<std::byte, block_head_bytes> encode_block_head(const block_head& head);

// Reads the block head of a frame whose payload has `payload_bytes` (frame body - 24).
// Errors: those of check_block. Whether the digest is right is for the receiver of the payload.
[[nodiscard]] result<block_head> parse_block_head(
    std::span<const std::byte, block_head_bytes> bytes, std::uint64_t payload_bytes);

// All of a BLOCK frame that stands before its payload, so that the payload can be sent from where
// it lies. Errors: those of check_block.
[[nodiscard]] result<std::array<std::byte, block_frame_head_bytes>> encode_block_frame_head(
    std::uint32_t request, std::uint8_t flags, const block_head& head, std::uint32_t payload_bytes);

}  // namespace sluice::wire
