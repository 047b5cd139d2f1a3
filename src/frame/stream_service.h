// What the streams of one io_context share: receive buffers, queues, and the flush at the end of a
// turn of its loop. Owned by the io_context; used by its thread only.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "frame/stream_poll.h"
#include "sluice/awaitable.h"
#include "sluice/detail/byte_queue.h"

namespace sluice::detail {

class stream_core;

class stream_service : public asio::execution_context::service {
 public:
  static inline asio::execution_context::id id;
  static constexpr std::size_t slab_bytes = std::size_t{256} << 10;

  using slab = std::unique_ptr<std::byte[]>;

  explicit stream_service(asio::io_context& context)
      : asio::execution_context::service(context), poll_(context.get_executor()) {}

  [[nodiscard]] stream_poll& poll() noexcept { return poll_; }

  // A buffer of slab_bytes to receive into. A stream holds one from the arrival of bytes until it
  // has to wait for more, so that an idle stream holds none.
  [[nodiscard]] slab take_slab();
  void give_slab(slab spent) noexcept;

  // An empty queue, perhaps with capacity, for what a stream sends.
  [[nodiscard]] byte_queue take_queue() noexcept;
  void give_queue(byte_queue spent) noexcept;

  // Has the stream send what it queued when the loop's running handler has returned.
  void flush_soon(std::shared_ptr<stream_core> stream, const executor& loop);

  // Resumes a coroutine that waited for bytes, and flushes when it gives way: in the handler
  // itself, where flush_soon() else needs another turn of the loop.
  template <class Handler>
  void resume(Handler handler) {
    const turn running(*this);
    handler();
  }

  // True while the io_context is being destroyed: nothing is told to streams any more.
  [[nodiscard]] bool down() const noexcept { return down_; }

 private:
  struct turn {
    explicit turn(stream_service& in) : service(in) { service.in_turn_ = true; }
    ~turn() {
      service.in_turn_ = false;
      if (!service.due_.empty()) service.flush_all();
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    stream_service& service;
  };

  void shutdown() override;
  void flush_all() noexcept;

  stream_poll poll_;
  std::vector<slab> slabs_;
  std::vector<byte_queue> queues_;
  std::vector<std::shared_ptr<stream_core>> due_;
  bool in_turn_ = false;  // resume() will flush
  bool down_ = false;
};

}  // namespace sluice::detail
