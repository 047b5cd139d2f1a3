#include <algorithm>
#include <string>

#include "sluice/frame_codec.h"

namespace sluice {

frame_decoder::step frame_decoder::next_in_pieces(std::span<const std::byte>& input) {
  if (state_ == state::delivered) {
    pieces_.clear();
    state_ = state::between;
  }
  for (;;) {
    switch (state_) {
      case state::finished: return std::unexpected(error_);
      case state::discarding: {
        const auto bytes = std::min<std::uint64_t>(left_, input.size());
        input = input.subspan(bytes);
        left_ -= bytes;
        if (left_ > 0) return std::nullopt;
        state_ = state::between;
        break;
      }
      case state::payload:
        gather(input);
        if (left_ > 0) return std::nullopt;
        state_ = state::delivered;
        return std::span<const std::byte>(pieces_).subspan(format_.strip_);
      default: {
        if (input.empty()) return std::nullopt;
        auto frame = state_ == state::between ? begin_in_place(input) : begin_in_pieces(input);
        if (!frame || *frame || state_ == state::head) return frame;
      }
    }
  }
}

frame_decoder::step frame_decoder::begin_in_place(std::span<const std::byte>& input) {
  if (input.size() < format_.head_) {
    left_ = format_.head_;
    gather(input);
    state_ = state::head;
    return std::nullopt;
  }
  auto extent = format_.judge(format_.load(input.data() + format_.options_.length_offset));
  if (extent && !extent->oversized) {
    if (extent->frame_bytes <= input.size()) {
      const auto frame = input.first(extent->frame_bytes).subspan(format_.strip_);
      input = input.subspan(extent->frame_bytes);
      return frame;
    }
    left_ = extent->frame_bytes;
    gather(input);
    state_ = state::payload;
    return std::nullopt;
  }
  input = input.subspan(format_.head_);
  return drop(extent);
}

frame_decoder::step frame_decoder::begin_in_pieces(std::span<const std::byte>& input) {
  gather(input);
  if (left_ > 0) return std::nullopt;
  auto extent = format_.judge(format_.load(pieces_.data() + format_.options_.length_offset));
  if (!extent || extent->oversized) {
    pieces_.clear();
    return drop(extent);
  }
  left_ = extent->payload_bytes();
  state_ = state::payload;
  return std::nullopt;
}

frame_decoder::step frame_decoder::drop(result<frame_extent>& extent) {
  if (!extent) return finish_with(std::move(extent.error()));
  ++discarded_frames_;
  left_ = extent->payload_bytes();
  state_ = state::discarding;
  return std::nullopt;
}

void frame_decoder::gather(std::span<const std::byte>& input) {
  const auto taken = input.first(std::min<std::uint64_t>(left_, input.size()));
  pieces_.insert(pieces_.end(), taken.begin(), taken.end());
  left_ -= taken.size();
  input = input.subspan(taken.size());
}

std::unexpected<error> frame_decoder::finish_with(error why) {
  state_ = state::finished;
  std::vector<std::byte>().swap(pieces_);  // = {} would keep the memory
  error_ = std::move(why);
  return std::unexpected(error_);
}

result<void> frame_decoder::finish() {
  const auto here = pieces_.size();
  switch (state_) {
    case state::between:
    case state::delivered: return {};
    case state::finished: return std::unexpected(error_);
    case state::discarding:
      return finish_with({errc::broken_stream, "read a frame over the maximum: the stream ended " +
                                                   std::to_string(left_) +
                                                   " bytes before its end"});
    case state::head:
    case state::payload: break;
  }
  return finish_with({errc::broken_stream, "read a frame: the stream ended after " +
                                               std::to_string(here) + " of " +
                                               std::to_string(here + left_) + " bytes" +
                                               (state_ == state::head ? " of the head" : "")});
}

result<void> frame_decoder::set_max_frame_bytes(std::size_t max_frame_bytes) {
  auto options = format_.options();
  options.max_frame_bytes = max_frame_bytes;
  auto format = frame_format::make(options);
  if (!format) return std::unexpected(std::move(format.error()));
  format_ = *format;
  return {};
}

void frame_decoder::release_memory() noexcept {
  if (!between_frames()) return;
  std::vector<std::byte>().swap(pieces_);
  state_ = state::between;
}

}  // namespace sluice
