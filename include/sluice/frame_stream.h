// A TCP connection that carries frames.
//
// Bytes are taken from the system as they come, many frames a call, and frames are handed out one
// by one in place. Frames that are written are queued and leave together: at the latest when the
// coroutine next gives way (to a read that has to wait, a timer, anything), without any call.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "sluice/awaitable.h"
#include "sluice/detail/byte_queue.h"
#include "sluice/error.h"
#include "sluice/frame_codec.h"

namespace sluice {

// A frame's content, by default without its head. A view: see where it comes from for how long.
using frame = std::span<const std::byte>;

[[nodiscard]] inline frame as_frame(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string_view as_text(frame content) noexcept {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

// The settings of one stream. A duration of zero is no deadline. All deadlines are on the steady
// clock; one that passes closes the connection at once, and its error is `timed_out`.
struct stream_options {
  frame_format format;  // both directions

  // Back-pressure: write() waits while this much is queued. One frame may go over it.
  std::size_t max_queued_bytes = std::size_t{1} << 20;

  // How long read() waits for a frame to begin, and read_exactly() for each arrival.
  std::chrono::milliseconds idle_timeout{0};
  // From the first byte of a frame that comes in pieces to its last, counted while read() waits.
  std::chrono::milliseconds frame_timeout{60'000};
  // How long the peer may take nothing of what is queued.
  std::chrono::milliseconds write_timeout{30'000};
  // After close(): how long the peer may take to end its side. Meanwhile what it still sends is
  // thrown away; closing in its face would reset the connection, and could cost it the last
  // frames that it was sent (RFC 1122, 4.2.2.13).
  std::chrono::milliseconds linger_timeout{1'000};
};

namespace detail {

// What most calls need of a stream: the frames that are here, and the queue of those that leave. It
// is in this header, so that such a call becomes part of its caller's code.
class stream_front {
 public:
  explicit stream_front(const stream_options& options)
      : decoder_(options.format),
        encoder_(options.format),
        max_queued_bytes_(options.max_queued_bytes) {}
  stream_front(const stream_front&) = delete;
  stream_front& operator=(const stream_front&) = delete;

  // Cuts the next frame from what has arrived, without waiting. False: it has to, or has an error.
  [[nodiscard]] bool next_frame() {
    if (read_end_ || unread_.empty()) [[unlikely]]
      return false;
    if (!decoder_.try_next(unread_, current_)) [[unlikely]]
      return next_in_pieces();
    frame_begun_ = false;
    return true;
  }
  [[nodiscard]] const frame& current() const noexcept { return current_; }

  // Queues a frame without waiting. False: it has to, or has an error.
  [[nodiscard]] bool enqueue(const frame& content) {
    if (write_end_ || !has_room(content.size() + encoder_.format().head_size())) [[unlikely]]
      return false;
    const std::size_t encoded = encoder_.try_encode(content, queue_.room());
    if (encoded == 0) [[unlikely]]
      return put_in_larger_queue(content);
    queue_.append(encoded);
    if (queue_.size() >= worth_sending || !flush_due_) [[unlikely]]
      see_to_sending();
    return true;
  }

 protected:
  ~stream_front() = default;

  // A queue of this size is sent without waiting for the end of the turn.
  static constexpr std::size_t worth_sending = std::size_t{64} << 10;

  [[nodiscard]] bool next_in_pieces();
  [[nodiscard]] bool put_in_larger_queue(const frame& content);
  void see_to_sending();
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
    return queue_.empty() || queue_.size() + bytes <= max_queued_bytes_;
  }

  frame_decoder decoder_;
  std::span<const std::byte> unread_;  // received, not yet decoded
  frame current_;
  std::optional<error> read_end_;
  bool frame_begun_ = false;  // a part of it is here, and its deadline runs

  bool flush_due_ = false;  // what is queued will be sent at the end of the turn
  std::optional<error> write_end_;
  frame_encoder encoder_;
  byte_queue queue_;  // encoded frames, without what is sent
  const std::size_t max_queued_bytes_;
};

// Asio moves an operation once before it is asked. GCC then loads two neighbouring words as one,
// before the two stores that made them have met: a stall of several nanoseconds for each frame. So
// a read moves only what it has, and the words of a write are no neighbours.
struct read_op {
  // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init): the rest is there after ready()
  explicit read_op(stream_front* of) : front(of) {}
  read_op(const read_op& asked) : front(asked.front) {}
  // NOLINTEND(cppcoreguidelines-pro-type-member-init)
  read_op& operator=(const read_op&) = delete;
  bool ready() {
    if (!front->next_frame()) return false;
    data = front->current().data();
    size_bytes = front->current().size();
    return true;
  }
  result<frame> take() { return frame(data, size_bytes); }
  awaitable<result<frame>> wait();

  stream_front* front;
  const std::byte* data;
  std::size_t size_bytes;
};

struct write_op {
  write_op(const frame& content, stream_front* of)
      : data(content.data()), size_bytes(content.size()), front(of) {}
  write_op(const write_op& asked)
      : data(asked.data), size_bytes(asked.size_bytes), front(asked.front) {}
  write_op& operator=(const write_op&) = delete;
  bool ready() { return front->enqueue({data, size_bytes}); }
  result<void> take() { return {}; }
  awaitable<result<void>> wait();

  alignas(16) const std::byte* data;
  alignas(16) std::size_t size_bytes;
  alignas(16) stream_front* front;
};

}  // namespace detail

// Owns its socket. Movable; a moved-from stream can only be assigned to or destroyed. A frame that
// read() gave stays where it is when the stream moves. Not to outlive its io_context.
//
// Thread: the one that runs the socket's io_context. One coroutine may read while others write; a
// second read() at the same time is a bug. Frames of several writers stay whole.
//
// The end of a stream, read from the error's code:
//   end_of_stream  the peer ended its side between two frames; it may still read
//   broken_stream  it ended inside a frame, or was reset
//   timed_out, bad_frame, frame_too_large, cancelled (close, abort, or cancellation by Asio)
// An error of read() is final: every later read() gives the same. write() may go on after
// end_of_stream, bad_frame and frame_too_large, to answer or to say why.
class frame_stream {
 public:
  explicit frame_stream(tcp_socket socket, const stream_options& options = {});
  frame_stream(frame_stream&&) noexcept = default;
  frame_stream& operator=(frame_stream&& other) noexcept;
  ~frame_stream();  // as close()

  // The next frame, in place: valid until the next read() or read_exactly(), and no longer than
  // the stream.
  [[nodiscard]] eager<detail::read_op> read() {
    return eager<detail::read_op>(detail::read_op(front_.get()));
  }

  // Queues a copy of `content` as one frame, and waits first while the queue is full. `content`
  // need live only until the co_await is over. Success means queued, not sent and not received:
  // a failure to send shows in a later call. Errors beside the stream's own: frame_too_large and
  // invalid_argument for content that the format cannot carry; nothing is queued then, and the
  // stream is as good as before.
  [[nodiscard]] eager<detail::write_op> write(const frame& content) {
    return eager<detail::write_op>(detail::write_op(content, front_.get()));
  }
  [[nodiscard]] eager<detail::write_op> write(std::string_view text) {
    return write(as_frame(text));
  }

  // As write(), but never waits: `busy`, and nothing queued, when the queue is full.
  [[nodiscard]] result<void> try_write(frame content);

  // Exactly `into.size()` bytes that are no frame, between two frames, whatever the stream's
  // splits. `end_of_stream` only before the first byte. `into` must live until it is over.
  [[nodiscard]] awaitable<result<void>> read_exactly(std::span<std::byte> into);

  // Waits until the system has taken all that is queued.
  [[nodiscard]] awaitable<result<void>> flush();

  // flush(), then tells the peer that no more frames come. Reading goes on.
  [[nodiscard]] awaitable<result<void>> shutdown();

  // Ends the stream; a read() or write() that waits ends with `cancelled`. Does not wait: what is
  // queued is still sent in the background under `write_timeout`, then the connection is wound
  // down under `linger_timeout`. All of it is lost if the io_context stops running before.
  void close() noexcept;

  // Ends it at once. What is queued is dropped, and the peer sees a reset.
  void abort() noexcept;

  [[nodiscard]] const tcp_endpoint& remote_endpoint() const noexcept;
  [[nodiscard]] std::size_t queued_bytes() const noexcept;  // heads included
  [[nodiscard]] executor get_executor() const noexcept;

 private:
  friend class listener_core;
  std::shared_ptr<detail::stream_front> front_;  // of a stream_core
};

}  // namespace sluice
