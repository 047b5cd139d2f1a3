// What raw_small_send and raw_small_recv say to each other: each connection carries some folders of
// a tree, in pieces of many files, in the byte order of the machine.
//
//   +--------------------+----------------------------------+-------------------------------+
//   | small_piece        | of each file: small_head,        | the contents, each behind the |
//   |                    | name of its folder, own name     | one before, from aligned_from |
//   +--------------------+----------------------------------+-------------------------------+
//
// The sender shuts down behind the last piece; the receiver closes when all files have their names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace raw {

// The most that the heads and the contents of a piece take, each.
inline constexpr std::size_t small_piece_bytes = std::size_t{1} << 20;

struct small_piece {
  std::uint32_t files = 0;
  std::uint32_t head_bytes = 0;
  std::uint32_t content_bytes = 0;
};

struct small_head {
  std::uint32_t folder_bytes = 0;
  std::uint32_t name_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
};

// As direct I/O wants memory and sizes.
inline constexpr std::size_t align_bytes = 4096;
constexpr std::size_t aligned_from(std::size_t offset) {
  return (offset + align_bytes - 1) / align_bytes * align_bytes;
}

}  // namespace raw
