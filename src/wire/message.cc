#include "wire/message.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

namespace sluice::wire {
namespace {

using google::protobuf::MessageLite;

// The library itself prints a line for each string of a peer that is not UTF-8: a peer could fill
// the log with them. Here they are errors like others.
void keep_protobuf_silent() {
  static const auto before = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(before);
}

// A body of another type would be parsed by the peer into nonsense, silently: protobuf does not
// name its types on the wire.
result<void> check_type(kind k, const MessageLite& message) {
  const auto type = message.GetTypeName();
  if (facts_of(k).message == type) return {};
  return fail(errc::internal, fmt::format("{} is no body of a {} frame", type, name_of(k)));
}

}  // namespace

result<void> append_message(std::vector<std::byte>& out, kind k, std::uint32_t request,
                            std::uint8_t flags, const MessageLite& message) {
  if (auto checked = check_type(k, message); !checked) return checked;
  const std::size_t body_bytes = message.ByteSizeLong();
  // Checked before the size becomes a 32-bit one.
  if (body_bytes > max_body_bytes(k)) {
    return fail(errc::frame_too_large, fmt::format("{} message of {} bytes, {} at most", name_of(k),
                                                   body_bytes, max_body_bytes(k)));
  }
  const auto head = encode_head({.body_bytes = static_cast<std::uint32_t>(body_bytes),
                                 .kind = k,
                                 .flags = flags,
                                 .request = request});
  if (!head) return std::unexpected(head.error());
  out.insert(out.end(), head->begin(), head->end());
  const auto body_at = out.size();
  out.resize(body_at + body_bytes);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + body_at));
  return {};
}

result<void> parse_message(kind k, std::span<const std::byte> body, MessageLite& message) {
  keep_protobuf_silent();
  if (auto checked = check_type(k, message); !checked) return checked;
  if (body.size() <= max_body_bytes(k) &&
      message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return {};
  }
  return fail(errc::bad_frame, fmt::format("body of {} bytes of a {} frame is no {}", body.size(),
                                           name_of(k), facts_of(k).message));
}

}  // namespace sluice::wire
