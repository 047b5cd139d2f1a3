#include "wire/block_head.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/big_endian.h"

namespace sluice::wire {

result<void> check_block(std::uint64_t offset, std::uint64_t payload_bytes) {
  if (payload_bytes == 0) {
    return fail(errc::bad_frame, fmt::format("block at {} without payload", offset));
  }
  if (offset > base::file_bytes_max || payload_bytes > base::file_bytes_max - offset) {
    return fail(errc::bad_frame, fmt::format("block at {} beyond the largest file", offset));
  }
  if (payload_bytes > base::block_bytes - offset % base::block_bytes) {
    return fail(errc::bad_frame, fmt::format("block at {} with {} bytes across a block's border",
                                             offset, payload_bytes));
  }
  return {};
}

std::array<std::byte, block_head_bytes> encode_block_head(const block_head& head) {
  std::array<std::byte, block_head_bytes> bytes{};
  auto rest = std::span<std::byte>(bytes);
  put_big_endian(rest, head.offset);
  std::ranges::copy(head.digest.bytes, rest.begin());
  return bytes;
}

result<block_head> parse_block_head(std::span<const std::byte, block_head_bytes> bytes,
                                    std::uint64_t payload_bytes) {
  std::span<const std::byte> rest = bytes;
  block_head head;
  head.offset = take_big_endian<std::uint64_t>(rest);
  std::ranges::copy(rest, head.digest.bytes.begin());
  if (auto checked = check_block(head.offset, payload_bytes); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  return head;
}

result<std::array<std::byte, block_frame_head_bytes>> encode_block_frame_head(
    std::uint32_t request, std::uint8_t flags, const block_head& head,
    std::uint32_t payload_bytes) {
  if (auto checked = check_block(head.offset, payload_bytes); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  const auto body_bytes = static_cast<std::uint32_t>(block_head_bytes + payload_bytes);
  const auto frame = encode_head(
      {.body_bytes = body_bytes, .kind = kind::block, .flags = flags, .request = request});
  if (!frame) return std::unexpected(frame.error());
  std::array<std::byte, block_frame_head_bytes> bytes{};
  const auto behind = std::ranges::copy(*frame, bytes.begin()).out;
  std::ranges::copy(encode_block_head(head), behind);
  return bytes;
}

}  // namespace sluice::wire
