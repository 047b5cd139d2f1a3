#include "wire/frame_head.h"

#include <fmt/format.h>

#include <algorithm>

#include "sluice/frame_codec.h"
#include "wire/big_endian.h"
#include "wire/block_head.h"

namespace sluice::wire {
namespace {

// Bytes of a head behind its length field.
constexpr std::size_t counted_head_bytes = 8;

// The length counts what is behind its field. A frame without the rest of its head is refused
// (strip), and so is one over the largest of all kinds.
const frame_format& format() {
  static const auto made =
      frame_format::make({.length_width = 4,
                          .order = byte_order::big,
                          .strip = head_bytes,
                          .max_frame_bytes = head_bytes + max_block_body_bytes});
  return *made;
}

result<void> check_size(const frame_head& head, const kind_facts& facts) {
  if (head.body_bytes > facts.max_body_bytes) {
    return fail(errc::frame_too_large,
                fmt::format("{} frame with a body of {} bytes, {} at most", facts.name,
                            head.body_bytes, facts.max_body_bytes));
  }
  if (head.body_bytes < facts.min_body_bytes) {
    return fail(errc::bad_frame, fmt::format("{} frame with a body of {} bytes, {} at least",
                                             facts.name, head.body_bytes, facts.min_body_bytes));
  }
  return {};
}

result<void> check_kind(const frame_head& head, side from) {
  if (!is_known(head.kind) && !is_skippable(head)) {
    return fail(errc::bad_frame,
                fmt::format("frame of unknown kind {}", static_cast<unsigned>(head.kind)));
  }
  if (!may_send(from, head.kind)) {
    return fail(errc::bad_frame, fmt::format("{} frame from a {}", name_of(head.kind),
                                             from == side::client ? "client" : "server"));
  }
  return {};
}

result<void> check_request(const frame_head& head, const kind_facts& facts) {
  if (facts.request == numbered::always && head.request == 0) {
    return fail(errc::bad_frame, fmt::format("{} frame on request 0", facts.name));
  }
  if (facts.request == numbered::never && head.request != 0) {
    return fail(errc::bad_frame, fmt::format("{} frame on request {}", facts.name, head.request));
  }
  return {};
}

}  // namespace

bool is_skippable(const frame_head& head) noexcept {
  return !is_known(head.kind) && (head.flags & skippable) != 0;
}

result<std::array<std::byte, head_bytes>> encode_head(const frame_head& head) {
  if (auto checked = check_size(head, facts_of(head.kind)); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  std::array<std::byte, head_bytes> bytes{};
  const auto written =
      frame_encoder(format()).encode_head(counted_head_bytes + head.body_bytes, bytes);
  if (!written) return std::unexpected(written.error());
  auto rest = std::span<std::byte>(bytes).subspan(*written);
  put_big_endian(rest, static_cast<std::uint8_t>(head.kind));
  put_big_endian(rest, head.flags);
  put_big_endian(rest, std::uint16_t{0});
  put_big_endian(rest, head.request);
  return bytes;
}

result<frame_head> parse_head(std::span<const std::byte, head_bytes> bytes, side from) {
  const auto extent = format().parse_head(bytes);
  if (!extent) return std::unexpected(extent.error());
  auto rest = bytes.subspan((*extent)->head_bytes);
  frame_head head;
  head.body_bytes = static_cast<std::uint32_t>((*extent)->frame_bytes - head_bytes);
  head.kind = kind{take_big_endian<std::uint8_t>(rest)};
  head.flags = take_big_endian<std::uint8_t>(rest);
  rest = rest.subspan(2);
  head.request = take_big_endian<std::uint32_t>(rest);

  const auto& facts = facts_of(head.kind);
  auto checked = check_kind(head, from);
  if (checked) checked = check_size(head, facts);
  if (checked) checked = check_request(head, facts);
  if (!checked) return std::unexpected(std::move(checked).error());
  return head;
}

result<std::optional<frame_view>> find_frame(std::span<const std::byte> bytes, side from) {
  if (bytes.size() < head_bytes) return std::nullopt;
  const auto head = parse_head(bytes.first<head_bytes>(), from);
  if (!head) return std::unexpected(head.error());
  const auto behind = bytes.subspan(head_bytes);
  if (behind.size() < head->body_bytes) return std::nullopt;
  return frame_view{.head = *head, .body = behind.first(head->body_bytes)};
}

result<void> append_frame(std::vector<std::byte>& out, kind k, std::uint32_t request,
                          std::uint8_t flags, std::span<const std::byte> body) {
  // A body that 32 bits cannot hold must not look like a small one.
  const auto body_bytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(body.size(), UINT32_MAX));
  const auto head =
      encode_head({.body_bytes = body_bytes, .kind = k, .flags = flags, .request = request});
  if (!head) return std::unexpected(head.error());
  out.insert(out.end(), head->begin(), head->end());
  out.insert(out.end(), body.begin(), body.end());
  return {};
}

}  // namespace sluice::wire
