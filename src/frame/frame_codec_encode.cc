#include <algorithm>
#include <string>

#include "sluice/frame_codec.h"

namespace sluice {
namespace {

std::string frame_of(std::size_t head_bytes, std::size_t payload_bytes) {
  return "write a frame: a head of " + std::to_string(head_bytes) + " and " +
         std::to_string(payload_bytes) + " bytes of payload";
}

// Growth by doubling, so that many small frames do not move `out` each time.
void make_room(std::vector<std::byte>& out, std::size_t bytes) {
  if (out.capacity() - out.size() < bytes)
    out.reserve(std::max(out.size() + bytes, 2 * out.capacity()));
}

}  // namespace

result<std::uint64_t> frame_encoder::length_value(std::size_t payload_bytes) const {
  const std::size_t head = format_.head_;
  const std::uint64_t longest = format_.max_frame_bytes();
  if (payload_bytes > longest - head) {
    const std::size_t configured = format_.options_.max_frame_bytes;
    return fail(errc::frame_too_large,
                frame_of(head, payload_bytes) +
                    (payload_bytes > configured - head
                         ? "; the maximum is " + std::to_string(configured)
                         : ", more than a length field of " +
                               std::to_string(format_.options_.length_width) + " bytes can hold"));
  }
  const std::uint64_t frame_bytes = head + payload_bytes;
  if (frame_bytes < format_.min_frame_bytes())
    return fail(errc::invalid_argument, frame_of(head, payload_bytes) +
                                            ", fewer than the least that this format has, " +
                                            std::to_string(format_.min_frame_bytes()));
  return frame_bytes - format_.bias_;
}

result<void> frame_encoder::encode(std::span<const std::byte> content,
                                   std::vector<std::byte>& out) const {
  const std::size_t offset = format_.options_.length_offset;
  if (content.size() < offset)
    return fail(errc::invalid_argument,
                "write a frame: the content has " + std::to_string(content.size()) + " of the " +
                    std::to_string(offset) + " bytes before the length field");
  auto value = length_value(content.size() - offset);
  if (!value) return std::unexpected(std::move(value.error()));

  const std::size_t width = format_.options_.length_width;
  std::byte field[8];
  format_.store(*value, field);
  make_room(out, width + content.size());  // the last thing that can fail
  const auto prefix = content.first(offset);
  const auto payload = content.subspan(offset);
  out.insert(out.end(), prefix.begin(), prefix.end());
  out.insert(out.end(), field, field + width);
  out.insert(out.end(), payload.begin(), payload.end());
  return {};
}

result<std::size_t> frame_encoder::encode_head(std::size_t payload_bytes,
                                               std::span<std::byte> head) const {
  if (head.size() < format_.head_)
    return fail(errc::invalid_argument, "write a frame head of " + std::to_string(format_.head_) +
                                            " bytes: there is room for " +
                                            std::to_string(head.size()));
  auto value = length_value(payload_bytes);
  if (!value) return std::unexpected(std::move(value.error()));
  format_.store(*value, head.data() + format_.options_.length_offset);
  return format_.head_;
}

result<void> frame_encoder::set_max_frame_bytes(std::size_t max_frame_bytes) {
  auto options = format_.options();
  options.max_frame_bytes = max_frame_bytes;
  auto format = frame_format::make(options);
  if (!format) return std::unexpected(std::move(format.error()));
  format_ = *format;
  return {};
}

}  // namespace sluice
