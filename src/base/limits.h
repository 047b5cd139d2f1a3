// The numbers that more than one room must agree on. Each limit has a test at the limit, beside the
// code that enforces it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::base {

// Content is moved, digested and recorded in blocks of this size; only the last block of a file is
// shorter. A constant of the native protocol (docs/wire.md).
inline constexpr std::size_t block_bytes = std::size_t{1} << 20;

// A file's size fits the signed 64-bit offset of the system and of SQL.
inline constexpr std::uint64_t file_bytes_max = (std::uint64_t{1} << 63) - 1;

// A whole file of at most this size may travel and be stored in one step.
inline constexpr std::size_t small_file_bytes_max = block_bytes;

// One part of a path, in bytes of UTF-8 (Linux NAME_MAX).
inline constexpr std::size_t name_bytes_max = 255;

// A whole path below the served folder, in bytes (Linux PATH_MAX less its final NUL).
inline constexpr std::size_t path_bytes_max = 4095;

// Parts of a path. It bounds the descriptors that a walk or a removal of a tree holds at once.
inline constexpr std::size_t path_parts_max = 64;

}  // namespace sluice::base
