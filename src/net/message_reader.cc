#include "net/message_reader.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>

namespace sluice::net {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t large_block_bytes = 128 * 1024;
constexpr std::size_t head_read_bytes = 256;
// A connection whose frames are always there lets the others of its thread run after this many.
constexpr unsigned frames_per_turn = 128;

}  // namespace

awaitable<result<void>> message_reader::wait_readable(std::size_t count) {
  if (!stream_.begin_wait(count)) co_return result<void>{};
  waiting_ = true;
  auto [failed] = co_await stream_.readable();
  waiting_ = false;
  if (failed) co_return fail(errc::cancelled, "wait for the peer");
  co_return result<void>{};
}

// 0: nothing there now.
result<std::size_t> message_reader::receive(std::span<std::byte> into) {
  auto got = stream_.receive(into);
  if (!got && got.error().code == errc::end_of_stream && inside_frame()) {
    return fail(errc::broken_stream, "the peer closed inside a frame");
  }
  return got;
}

void message_reader::make_room(std::size_t count) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_ && capacity_ - begin_ >= count && capacity_ > end_) return;
  // Doubling what has arrived, never reserving what was announced.
  const std::size_t wanted =
      std::max(buffer_bytes, std::min(std::max(count, buffer_bytes), 2 * buffered()));
  if (!buffer_ || capacity_ < wanted) {
    auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
    if (buffered() > 0) std::memcpy(larger.get(), buffer_.get() + begin_, buffered());
    buffer_ = std::move(larger);
    capacity_ = wanted;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
  }
  end_ -= begin_;
  begin_ = 0;
}

// Returns when at least `count` bytes are buffered.
awaitable<result<void>> message_reader::need(std::size_t count) {
  while (buffered() < count) {
    make_room(count);
    const auto got = receive({buffer_.get() + end_, std::min(capacity_ - end_, read_limit_)});
    if (!got) co_return std::unexpected(got.error());
    end_ += *got;
    if (*got > 0) continue;
    if (buffered() == 0) {
      buffer_.reset();
      capacity_ = begin_ = end_ = 0;
    }
    const auto readable = co_await wait_readable(1);
    if (!readable) co_return readable;
  }
  co_return result<void>{};
}

awaitable<result<std::span<const std::byte>>> message_reader::raw(std::size_t count) {
  const auto there = co_await need(count);
  if (!there) co_return std::unexpected(there.error());
  const std::span<const std::byte> view{buffer_.get() + begin_, count};
  begin_ += count;
  co_return view;
}

awaitable<result<wire::frame_head>> message_reader::next() {
  while (left_ > 0) {  // the rest of the frame before
    const std::size_t dropped = std::min(left_, buffered());
    begin_ += dropped;
    left_ -= dropped;
    if (left_ == 0) break;
    const auto more = co_await need(1);
    if (!more) co_return std::unexpected(more.error());
  }
  if (++frames_since_yield_ >= frames_per_turn) {
    frames_since_yield_ = 0;
    co_await asio::post(stream_.get_executor(), use_awaitable);
  }
  if (buffered() < wire::head_bytes) {
    const auto there = co_await need(wire::head_bytes);
    if (!there) co_return std::unexpected(there.error());
  }
  auto head = wire::parse_head(
      std::span<const std::byte, wire::head_bytes>(buffer_.get() + begin_, wire::head_bytes),
      peer_);
  if (!head) co_return head;
  begin_ += wire::head_bytes;
  left_ = head->body_bytes;
  // Behind a large block most likely comes another: its payload is not to pass through the buffer.
  read_limit_ = left_ >= large_block_bytes ? head_read_bytes : std::max(left_, buffer_bytes);
  co_return head;
}

awaitable<result<std::span<const std::byte>>> message_reader::body() {
  if (buffered() < left_) {
    const auto there = co_await need(left_);
    if (!there) co_return std::unexpected(there.error());
  }
  const std::span<const std::byte> view{buffer_.get() + begin_, left_};
  begin_ += left_;
  left_ = 0;
  co_return view;
}

awaitable<result<wire::block_head>> message_reader::block() {
  if (buffered() < wire::block_head_bytes) {
    const auto there = co_await need(wire::block_head_bytes);
    if (!there) co_return std::unexpected(there.error());
  }
  auto head = wire::parse_block_head(std::span<const std::byte, wire::block_head_bytes>(
                                         buffer_.get() + begin_, wire::block_head_bytes),
                                     left_ - wire::block_head_bytes);
  begin_ += wire::block_head_bytes;
  left_ -= wire::block_head_bytes;
  co_return head;
}

std::size_t message_reader::take_buffered(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min({into.size(), buffered(), left_});
  if (count > 0) std::memcpy(into.data(), buffer_.get() + begin_, count);
  begin_ += count;
  left_ -= count;
  return count;
}

awaitable<result<void>> message_reader::payload_ready(std::size_t count) {
  const std::size_t wanted = std::min(count, left_);
  if (buffered() >= wanted) co_return result<void>{};
  if (stream_.is_tls() && wanted <= buffer_bytes) co_return co_await need(wanted);
  co_return co_await wait_readable(wanted - buffered());
}

result<std::size_t> message_reader::payload_now(std::span<std::byte> into) {
  into = into.first(std::min(into.size(), left_));
  std::size_t taken = take_buffered(into);
  while (taken < into.size()) {
    const auto got = receive(into.subspan(taken));
    if (!got) return got;
    if (*got == 0) break;
    taken += *got;
    left_ -= *got;
  }
  return taken;
}

awaitable<result<void>> message_reader::payload(std::span<std::byte> into) {
  while (!into.empty()) {
    const auto got = payload_now(into);
    if (!got) co_return std::unexpected(got.error());
    into = into.subspan(*got);
    if (into.empty()) break;
    const auto readable = co_await wait_readable(into.size());
    if (!readable) co_return readable;
  }
  co_return result<void>{};
}

bool message_reader::drop_arrived() {
  begin_ = end_ = left_ = 0;
  return stream_.drop().has_value();
}

}  // namespace sluice::net
