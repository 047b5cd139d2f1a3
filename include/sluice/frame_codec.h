// Length-prefixed frames: bytes <-> frames. No sockets, no clock, no threads.
//
// A frame on the wire (offset, width, order and adjustment are settings):
//
//   |<------------------------ frame_bytes ------------------------->|
//   +------------------+-----------------+----------------------------+
//   |  prefix: offset  |  length: width  |  payload                   |
//   +------------------+-----------------+----------------------------+
//   |<---------- head_size() ----------->|
//
//   frame_bytes = offset + width + length value + adjustment
//
// The settings mean what they mean in Netty's LengthFieldBasedFrameDecoder; a conversion from
// tokio-util's LengthDelimitedCodec is below. No object here may be used by two threads at once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sluice/error.h"

namespace sluice {

enum class byte_order : std::uint8_t { big, little };

inline constexpr byte_order native_byte_order =
    std::endian::native == std::endian::big ? byte_order::big : byte_order::little;

// What a decoder does with a frame over the maximum.
enum class oversize : std::uint8_t {
  fail,     // an error, and the decoder is finished
  discard,  // drop that frame, count it and go on
};

// The settings, all sizes in bytes. Default: a 4-byte big-endian count of the payload.
struct frame_options {
  std::size_t length_offset = 0;  // bytes before the length field
  std::size_t length_width = 4;   // 1 to 8; in a width of 8 the top bit must be 0
  byte_order order = byte_order::big;
  // What to add to the length value to get the number of bytes after the length field: -width
  // for a length that counts its own field, -(offset + width) for one that counts the whole frame.
  std::int64_t length_adjustment = 0;
  // Bytes that the decoder cuts from the front of a frame; nullopt: the whole head.
  std::optional<std::size_t> strip = std::nullopt;
  std::size_t max_frame_bytes = std::size_t{8} << 20;  // whole frames, head included
  oversize oversized = oversize::fail;
};

// The `length_adjustment` that has the effect of tokio-util's `length_adjustment` together with
// its `length_field_offset`, `length_field_length` and `num_skip` (there, offset + width unless
// set). `strip` is `num_skip`. Its `max_frame_length` is of the length value; ours of the frame.
constexpr std::int64_t adjustment_from_tokio(std::int64_t adjustment, std::size_t offset,
                                             std::size_t width, std::size_t skip) noexcept {
  return adjustment - static_cast<std::int64_t>(offset) - static_cast<std::int64_t>(width) +
         static_cast<std::int64_t>(skip);
}

// The bounds of one frame, as its head announces them. A peer chose these numbers: reserve
// memory for bytes that arrived, not for `frame_bytes`.
struct frame_extent {
  std::size_t head_bytes = 0;     // prefix and length field
  std::uint64_t frame_bytes = 0;  // the whole frame, head included, never less than the head
  std::size_t strip_bytes = 0;    // what a decoder would cut from its front
  bool oversized = false;         // over the maximum; only where the format discards such frames

  // Bytes that follow the head.
  [[nodiscard]] constexpr std::uint64_t payload_bytes() const noexcept {
    return frame_bytes - head_bytes;
  }
  friend bool operator==(const frame_extent&, const frame_extent&) = default;
};

// A set of options that can work. A small value: copy it freely.
class frame_format {
 public:
  // The default options.
  frame_format();

  // Refuses (invalid_argument) options by which no frame can pass: a width that is not 1 to 8, a
  // maximum below the head, a strip or an adjustment that no frame within the maximum and
  // within the length field can satisfy. Nothing is clamped: `options()` gives back what came.
  [[nodiscard]] static result<frame_format> make(const frame_options& options);

  [[nodiscard]] const frame_options& options() const noexcept { return options_; }
  // offset + width
  [[nodiscard]] std::size_t head_size() const noexcept { return head_; }
  // The bytes cut from the front of each frame that is decoded.
  [[nodiscard]] std::size_t strip_bytes() const noexcept { return strip_; }
  // The smallest and the largest whole frame that passes in either direction. The largest is
  // below `max_frame_bytes` where the length field cannot announce that much.
  [[nodiscard]] std::uint64_t min_frame_bytes() const noexcept { return min_value_ + bias_; }
  [[nodiscard]] std::uint64_t max_frame_bytes() const noexcept { return max_value_ + bias_; }

  // Reads the head at the front of `bytes`, for a reader that receives the payload in place;
  // nullopt while `bytes` is shorter than the head. Errors: bad_frame for a length that denotes no
  // frame (less than the head or the strip, or the top bit of 8 bytes set), and frame_too_large
  // for one over the maximum; with oversize::discard that one is an extent marked `oversized`.
  [[nodiscard]] result<std::optional<frame_extent>> parse_head(
      std::span<const std::byte> bytes) const;

 private:
  friend class frame_decoder;
  friend class frame_encoder;

  explicit frame_format(const frame_options& options) : options_(options) {}

  // Precondition: 8 bytes are readable at `field`.
  [[nodiscard]] std::uint64_t load_wide(const std::byte* field) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, field, sizeof value);
    if (options_.order != native_byte_order) value = std::byteswap(value);
    return options_.order == byte_order::big ? value >> shift_ : value << shift_ >> shift_;
  }
  [[nodiscard]] std::uint64_t load(const std::byte* field) const noexcept;
  // Writes `length_width` bytes.
  void store(std::uint64_t value, std::byte* field) const noexcept {
    if (options_.order == byte_order::big) value <<= shift_;
    if (options_.order != native_byte_order) value = std::byteswap(value);
    if (options_.length_width == 4) {
      std::memcpy(field, &value, 4);  // the usual width: one instruction
    } else {
      std::memcpy(field, &value, options_.length_width);
    }
  }
  // Why no frame can pass, or success with the range of length values filled in.
  [[nodiscard]] result<void> settle();
  // The extent that `value` announces, or why it announces none.
  [[nodiscard]] result<frame_extent> judge(std::uint64_t value) const;

  frame_options options_;
  std::size_t head_ = 0;
  std::size_t strip_ = 0;
  unsigned shift_ = 0;           // 64 - 8 * width
  std::uint64_t bias_ = 0;       // head + adjustment, modulo 2^64: frame = value + bias
  std::uint64_t min_value_ = 0;  // the length values of frames that pass
  std::uint64_t max_value_ = 0;
};

// Cuts a stream of bytes into frames. Owns only the bytes of a frame that came in pieces; holds
// at most twice what arrived of it, and keeps that memory for the next one.
class frame_decoder {
 public:
  explicit frame_decoder(const frame_format& format = {}) : format_(format) {}

  // Takes bytes from the front of `input` (moving its start) up to the end of the next frame and
  // returns that frame without its stripped front; it may be empty. nullopt: `input` is used up.
  //
  // A frame that lies whole in `input` is returned in place, valid as long as the caller's buffer.
  // A frame that came in pieces is valid until the next call of `next` or `release_memory`.
  //
  // Errors: bad_frame, frame_too_large (see frame_format::parse_head). The refused head has been
  // taken from `input`; from then on the decoder is finished: every `next` and `finish` returns
  // the same error and takes nothing, since where the next frame starts cannot be known.
  [[nodiscard]] result<std::optional<std::span<const std::byte>>> next(
      std::span<const std::byte>& input) {
    std::span<const std::byte> frame;
    if (try_next(input, frame)) [[likely]]
      return frame;
    return next_in_pieces(input);
  }

  // The common case of next(), at the cost of a load and two comparisons: a frame that lies whole
  // in `input`, with 8 bytes behind its offset, while nothing is held back. False: nothing was
  // taken, and next() has to see.
  [[nodiscard]] bool try_next(std::span<const std::byte>& input,
                              std::span<const std::byte>& frame) noexcept {
    if (state_ != state::between || input.size() < format_.options_.length_offset + 8) [[unlikely]]
      return false;
    const std::uint64_t value = format_.load_wide(input.data() + format_.options_.length_offset);
    const std::uint64_t frame_bytes = value + format_.bias_;
    if (value < format_.min_value_ || value > format_.max_value_ || frame_bytes > input.size())
        [[unlikely]]
      return false;
    frame = input.first(frame_bytes).subspan(format_.strip_);
    input = input.subspan(frame_bytes);
    return true;
  }

  // To be called at the end of the stream. broken_stream when it ends inside a frame, a discarded
  // one too; the decoder is then finished. Between two frames: success.
  [[nodiscard]] result<void> finish();

  // A new maximum for whole frames, from the next frame on: one whose head is read still passes.
  // Refused (invalid_argument, nothing changed) as by frame_format::make.
  [[nodiscard]] result<void> set_max_frame_bytes(std::size_t max_frame_bytes);

  [[nodiscard]] const frame_format& format() const noexcept { return format_; }
  // True when the bytes taken so far end at the end of a frame, and no error has been met.
  [[nodiscard]] bool between_frames() const noexcept {
    return state_ == state::between || state_ == state::delivered;
  }
  // Frames dropped by oversize::discard, counted when the head is read...
  [[nodiscard]] std::uint64_t discarded_frames() const noexcept { return discarded_frames_; }
  // ...and whether the rest of the last of them is still being dropped.
  [[nodiscard]] bool discarding() const noexcept { return state_ == state::discarding; }

  // Memory held for frames in pieces, in bytes.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return pieces_.capacity(); }
  // Gives that memory back if no frame is under way; ends the validity of a frame in pieces.
  void release_memory() noexcept;

 private:
  using step = result<std::optional<std::span<const std::byte>>>;
  enum class state : std::uint8_t {
    between,     // nothing held
    head,        // `pieces_` holds a part of a head, `left_` bytes of it are to come
    payload,     // `pieces_` holds the head and a part of the payload, `left_` bytes are to come
    delivered,   // `pieces_` holds a frame that the caller may still look at
    discarding,  // `left_` bytes of an oversized frame are to come
    finished,    // `error_` is set
  };

  step next_in_pieces(std::span<const std::byte>& input);
  step begin_in_place(std::span<const std::byte>& input);
  step begin_in_pieces(std::span<const std::byte>& input);
  step drop(result<frame_extent>& extent);
  // Moves up to `left_` bytes from `input` to `pieces_`.
  void gather(std::span<const std::byte>& input);
  std::unexpected<error> finish_with(error why);

  frame_format format_;
  state state_ = state::between;
  std::uint64_t left_ = 0;
  std::uint64_t discarded_frames_ = 0;
  std::vector<std::byte> pieces_;
  error error_;
};

// Makes frames that a frame_decoder of the same format accepts. Holds no memory of its own.
class frame_encoder {
 public:
  explicit frame_encoder(const frame_format& format = {}) : format_(format) {}

  // Appends one frame to `out`. `content` is the frame without its length field: its first
  // `length_offset` bytes go before the field, the rest after it. `content` must not lie in `out`.
  //
  // Errors, with `out` untouched: frame_too_large (over the maximum, or over what the length field
  // can hold), invalid_argument (shorter than the offset, or the length would be below 0 by the
  // adjustment, or the frame shorter than the strip).
  [[nodiscard]] result<void> encode(std::span<const std::byte> content,
                                    std::vector<std::byte>& out) const;

  // Writes one frame to the front of `room`, and returns how many bytes it takes. 0, and nothing
  // written, where `room` is too small or `content` makes no frame: encode() says why.
  [[nodiscard]] std::size_t try_encode(std::span<const std::byte> content,
                                       std::span<std::byte> room) const noexcept {
    const std::size_t offset = format_.options_.length_offset;
    const std::size_t bytes = format_.options_.length_width + content.size();
    if (content.size() < offset || room.size() < bytes || bytes < format_.min_frame_bytes() ||
        bytes > format_.max_frame_bytes())
      return 0;
    if (offset != 0) std::memcpy(room.data(), content.data(), offset);
    format_.store(bytes - format_.bias_, room.data() + offset);
    if (content.size() > offset)
      std::memcpy(room.data() + format_.head_, content.data() + offset, content.size() - offset);
    return bytes;
  }

  // For a gather-write: writes the length field for a payload of `payload_bytes` bytes after the
  // head to head[length_offset, head_size()) and returns head_size(). The first `length_offset`
  // bytes of `head` are the caller's own and stay as they are. Errors as `encode`, and
  // invalid_argument when `head` is shorter than head_size(); then `head` is untouched.
  [[nodiscard]] result<std::size_t> encode_head(std::size_t payload_bytes,
                                                std::span<std::byte> head) const;

  // A new maximum for whole frames from the next one on; refused as by frame_format::make.
  [[nodiscard]] result<void> set_max_frame_bytes(std::size_t max_frame_bytes);

  [[nodiscard]] const frame_format& format() const noexcept { return format_; }

 private:
  // The value of the length field before `payload_bytes` bytes.
  [[nodiscard]] result<std::uint64_t> length_value(std::size_t payload_bytes) const;

  frame_format format_;
};

}  // namespace sluice
