// Frames of the native protocol: bytes <-> heads (docs/wire.md, sections 2 and 4).
//
//   0        4      5       6      8         12
//   | length | kind | flags | zero | request | body ...         length = 8 + body, big-endian
//
// Pure functions on bytes; usable from any thread. Every bad_frame and frame_too_large from here is
// a violation of the protocol: the connection cannot go on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sluice/error.h"
#include "wire/kind.h"

namespace sluice::wire {

inline constexpr std::size_t head_bytes = 12;

// Bits of the flags byte; others are ignored.
enum flags : std::uint8_t {
  no_flags = 0,
  skippable = 0x01,  // who does not know the kind skips the frame
  last = 0x02,       // the reply, and with it the request, is over
};

struct frame_head {
  std::uint32_t body_bytes = 0;  // behind the head
  wire::kind kind{};
  std::uint8_t flags = no_flags;
  std::uint32_t request = 0;  // 0: the connection itself

  [[nodiscard]] bool is_last() const noexcept { return (flags & last) != 0; }
  friend bool operator==(const frame_head&, const frame_head&) = default;
};

// An unknown kind that is to be read over: parse_head lets only those unknown ones pass.
[[nodiscard]] bool is_skippable(const frame_head& head) noexcept;

// Errors: frame_too_large where body_bytes is over the kind's limit.
[[nodiscard]] result<std::array<std::byte, head_bytes>> encode_head(const frame_head& head);

// Reads the head of a frame that `from` sent. Memory for a body of up to body_bytes may be taken
// as bytes of it arrive, and not before.
// Errors: frame_too_large over the kind's limit; bad_frame for a length under 8, an unknown kind
// without SKIPPABLE, a kind that `from` does not send, a BLOCK without payload, and a request
// number of 0 where there must be one or the reverse.
[[nodiscard]] result<frame_head> parse_head(std::span<const std::byte, head_bytes> bytes,
                                            side from);

// A whole frame; `body` lies in the bytes that were parsed.
struct frame_view {
  frame_head head;
  std::span<const std::byte> body;
};

// The frame at the front of `bytes`; nullopt while it is not whole. Errors as parse_head.
[[nodiscard]] result<std::optional<frame_view>> find_frame(std::span<const std::byte> bytes,
                                                           side from);

// Appends a frame whose body is bytes: PING and PONG. Errors as encode_head, `out` untouched.
[[nodiscard]] result<void> append_frame(std::vector<std::byte>& out, kind k, std::uint32_t request,
                                        std::uint8_t flags, std::span<const std::byte> body);

}  // namespace sluice::wire
