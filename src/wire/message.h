// Control messages: protobuf <-> the bodies of frames (docs/wire.md, sections 2, 4 and
// sluice.proto). Bodies of PING and PONG are plain bytes (frame_head.h), those of BLOCK have a
// layout of their own (block_head.h). Pure functions; usable from any thread.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sluice/error.h"
#include "wire/frame_head.h"
#include "wire/sluice.pb.h"

namespace sluice::wire {

// Appends one whole frame: head and serialized message. Errors: frame_too_large where the message
// is over a control frame's limit, internal where the kind's body is another message; `out` is then
// untouched.
[[nodiscard]] result<void> append_message(std::vector<std::byte>& out, kind k,
                                          std::uint32_t request, std::uint8_t flags,
                                          const google::protobuf::MessageLite& message);

// Reads the body of a frame of kind `k` into `message`. Errors: bad_frame naming the kind where the
// body is no such message (a string that is not UTF-8 included), internal where the kind's
// body is another message. Unknown fields are accepted and dropped.
[[nodiscard]] result<void> parse_message(kind k, std::span<const std::byte> body,
                                         google::protobuf::MessageLite& message);

// The same, making the message: `auto put = parse_message<v1::Put>(head.kind, body);`
template <class Message>
[[nodiscard]] result<Message> parse_message(kind k, std::span<const std::byte> body) {
  result<Message> message{std::in_place};
  if (auto parsed = parse_message(k, body, *message); !parsed) {
    return std::unexpected(std::move(parsed).error());
  }
  return message;
}

}  // namespace sluice::wire
