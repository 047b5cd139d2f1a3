#include <algorithm>
#include <limits>
#include <string>

#include "sluice/frame_codec.h"

namespace sluice {
namespace {

// The top bit of an 8-byte length is refused: no stream holds such a frame, and it is what a
// peer sends that counts in signed integers and got one wrong.
constexpr std::uint64_t top_value = std::numeric_limits<std::int64_t>::max();

std::uint64_t field_capacity(std::size_t width) noexcept {
  return width == 8 ? top_value : (std::uint64_t{1} << 8 * width) - 1;
}

std::string count(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

std::unexpected<error> refuse(const std::string& why) {
  return fail(errc::invalid_argument, "configure the frame format: " + why);
}

result<void> check_sizes(const frame_options& o) {
  if (o.length_width < 1 || o.length_width > 8)
    return refuse("a length field of " + count(o.length_width) + ", 1 to 8 are possible");
  if (o.max_frame_bytes < o.length_width || o.length_offset > o.max_frame_bytes - o.length_width)
    return refuse("a maximum of " + count(o.max_frame_bytes) + " is below the head of " +
                  count(o.length_offset) + " and a length field of " + count(o.length_width));
  if (o.strip && *o.strip > o.max_frame_bytes)
    return refuse("no frame has the " + count(*o.strip) + " to strip, the maximum is " +
                  std::to_string(o.max_frame_bytes));
  return {};
}

}  // namespace

frame_format::frame_format() { static_cast<void>(settle()); }

result<frame_format> frame_format::make(const frame_options& options) {
  frame_format format(options);
  const auto settled = format.settle();
  if (!settled) return std::unexpected(settled.error());
  return format;
}

result<void> frame_format::settle() {
  const auto& o = options_;
  auto sizes = check_sizes(o);
  if (!sizes) return sizes;
  head_ = o.length_offset + o.length_width;
  strip_ = o.strip.value_or(head_);
  shift_ = static_cast<unsigned>(64 - 8 * o.length_width);

  std::int64_t bias = 0;  // what a frame has beyond its length value
  if (head_ > top_value ||
      __builtin_add_overflow(static_cast<std::int64_t>(head_), o.length_adjustment, &bias))
    return refuse("the offset and the length adjustment overflow");
  bias_ = static_cast<std::uint64_t>(bias);

  const std::uint64_t shortest = std::max(head_, strip_);
  const std::uint64_t longest = o.max_frame_bytes;
  if (bias > 0 && bias_ > longest)
    return refuse("by the length adjustment the shortest frame has " + count(bias_) +
                  ", the maximum is " + std::to_string(longest));
  const std::uint64_t capacity = field_capacity(o.length_width);
  // value = frame - bias, kept from passing the ends of 64 bits
  const auto value_of = [&](std::uint64_t frame_bytes) -> std::uint64_t {
    if (bias >= 0) return frame_bytes > bias_ ? frame_bytes - bias_ : 0;
    const std::uint64_t value = frame_bytes - bias_;
    return value < frame_bytes ? std::numeric_limits<std::uint64_t>::max() : value;
  };
  min_value_ = value_of(shortest);
  max_value_ = std::min(value_of(longest), capacity);
  if (min_value_ > capacity)
    return refuse("by the length adjustment a length field of " + count(o.length_width) +
                  " announces no frame as long as its head or strip, " + count(shortest));
  return {};
}

std::uint64_t frame_format::load(const std::byte* field) const noexcept {
  std::byte wide[8] = {};
  std::memcpy(wide, field, options_.length_width);
  return load_wide(wide);
}

result<frame_extent> frame_format::judge(std::uint64_t value) const {
  const auto announced = [&] {
    return "read a frame head: the length field says " + std::to_string(value);
  };
  const bool negative = static_cast<std::int64_t>(bias_) < 0 && value < 0 - bias_;
  if (value > top_value || negative || value + bias_ < head_)
    return fail(errc::bad_frame, announced() + ", which is less than the head");
  const std::uint64_t frame_bytes = value + bias_;
  if (frame_bytes < strip_)
    return fail(errc::bad_frame, announced() + ", a frame of " + count(frame_bytes) + " of which " +
                                     std::to_string(strip_) + " are to be stripped");
  const bool oversized = frame_bytes > options_.max_frame_bytes;
  if (oversized && options_.oversized == oversize::fail)
    return fail(errc::frame_too_large, announced() + ", a frame of " + count(frame_bytes) +
                                           "; the maximum is " +
                                           std::to_string(options_.max_frame_bytes));
  return frame_extent{head_, frame_bytes, strip_, oversized};
}

result<std::optional<frame_extent>> frame_format::parse_head(
    std::span<const std::byte> bytes) const {
  if (bytes.size() < head_) return std::nullopt;
  auto extent = judge(load(bytes.data() + options_.length_offset));
  if (!extent) return std::unexpected(std::move(extent.error()));
  return *extent;
}

}  // namespace sluice
