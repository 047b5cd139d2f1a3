// The inside of a frame_stream, at one address for its whole life, so that the stream can move and
// a connection can be wound down after the stream is gone. Shared by the stream, by coroutines that
// wait in it, and by the listener that will report how it ended.
#pragma once

#include <array>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frame/stream_service.h"
#include "sluice/frame_stream.h"

namespace sluice::detail {

class stream_core final : public stream_front, public std::enable_shared_from_this<stream_core> {
 public:
  stream_core(tcp_socket socket, const stream_options& options);
  stream_core(const stream_core&) = delete;
  stream_core& operator=(const stream_core&) = delete;
  ~stream_core();

  // There is no other kind of front.
  [[nodiscard]] static stream_core& of(stream_front& front) noexcept {
    return static_cast<stream_core&>(front);
  }

  // Reading, where next_frame() was false.
  [[nodiscard]] static awaitable<result<frame>> wait_frame(std::shared_ptr<stream_core> self);
  [[nodiscard]] static awaitable<result<void>> wait_bytes(std::shared_ptr<stream_core> self,
                                                          std::span<std::byte> into);

  // Writing; wait_write() where enqueue() was false.
  [[nodiscard]] static awaitable<result<void>> wait_write(std::shared_ptr<stream_core> self,
                                                          frame content);
  [[nodiscard]] result<void> try_write(frame content);
  [[nodiscard]] static awaitable<result<void>> wait_sent(std::shared_ptr<stream_core> self);
  [[nodiscard]] static awaitable<result<void>> shut(std::shared_ptr<stream_core> self);
  void flush_now() noexcept;  // by the stream_service

  // By the stream_poll.
  void on_events(std::uint32_t events);
  void abandon() noexcept { reader_ = nullptr; }

  // Ending.
  void close() noexcept;
  void abort() noexcept;
  [[nodiscard]] static awaitable<void> wait_closed(std::shared_ptr<stream_core> self);
  // How it ended, for the log: nothing for a clean end by either side.
  [[nodiscard]] std::optional<error> trouble() const;

  [[nodiscard]] const tcp_endpoint& peer() const noexcept { return peer_; }
  [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }
  [[nodiscard]] const executor& loop() const noexcept { return loop_; }

 private:
  using clock = std::chrono::steady_clock;
  enum deadline : std::uint8_t { reading, writing, lingering, deadlines };

  // stream_read.cc
  friend stream_front;
  [[nodiscard]] bool decode_in_pieces();
  void prepare_to_wait();
  [[nodiscard]] auto async_readable() {
    return asio::async_initiate<decltype(asio::deferred), void()>(
        [](auto handler, stream_core* self) {
          const auto slot = asio::get_associated_cancellation_slot(handler);
          self->begin_reading(std::move(handler), slot);
        },
        asio::deferred, this);
  }
  void begin_reading(std::move_only_function<void()> on_end, asio::cancellation_slot slot);
  void on_readable();
  void stop_reading();
  void rest() noexcept;
  [[nodiscard]] std::size_t receive(std::span<std::byte> into);
  void at_end();

  // stream_write.cc
  [[nodiscard]] result<void> put(frame content);
  void send_soon();
  void send_queue() noexcept;
  void drop_queue() noexcept;
  void await_writable();
  void on_writable();
  [[nodiscard]] static awaitable<bool> changed(std::shared_ptr<stream_core> self);
  void announce_change() noexcept;

  // stream_core.cc
  [[nodiscard]] std::string told(std::string_view attempt) const;
  [[nodiscard]] bool is_open() const noexcept { return socket_ >= 0; }
  void end(const error& why) noexcept;  // both directions, and the socket
  void close_socket() noexcept;
  void release_socket() noexcept;
  [[nodiscard]] static awaitable<void> wind_down(std::shared_ptr<stream_core> self);
  void set_deadline(deadline which, std::chrono::milliseconds after);
  void clear_deadline(deadline which) noexcept { due_[which] = clock::time_point::max(); }
  void on_timer();
  void expire(deadline which);

  const executor loop_;
  stream_service& service_;
  const stream_options options_;
  const tcp_endpoint peer_;
  int socket_;  // -1 when it is closed

  stream_service::slab slab_;               // set while `unread_` or `current_` may lie in it
  std::move_only_function<void()> reader_;  // the coroutine that waits for bytes
  bool untold_ = false;      // there may be bytes, or an end, that no event will tell of again
  bool ends_ = false;        // an event told of more than bytes
  bool peer_ended_ = false;  // all that the peer sent has been received
  bool blocked_ = false;     // the system takes no more; an event will tell

  bool closing_ = false;
  unsigned waiting_ = 0;  // coroutines in changed()
  std::optional<steady_timer> changed_;
  std::optional<steady_timer> timer_;
  std::array<clock::time_point, deadlines> due_;
  clock::time_point timer_at_ = clock::time_point::max();  // when the timer will fire
};

}  // namespace sluice::detail
