// Tells the streams of one io_context when their sockets have something for them.
//
// All sockets are in one epoll of our own, edge-triggered, and Asio waits for that epoll as for any
// descriptor: so one system call, and one turn through Asio, serves all streams that are ready.
// Part of the stream_service; used by the io_context's thread only.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "sluice/awaitable.h"

namespace sluice::detail {

class stream_core;

class stream_poll {
 public:
  explicit stream_poll(const executor& loop) : epoll_(loop) {}
  stream_poll(const stream_poll&) = delete;
  stream_poll& operator=(const stream_poll&) = delete;
  ~stream_poll() = default;

  // From now on stream_core::on_events() is called when something new comes for `socket`: bytes,
  // the end, an error. Never from within a call of the stream's. 0, or the errno of the failure.
  [[nodiscard]] int add(int socket, stream_core& stream);
  void remove(int socket, stream_core& stream) noexcept;

  // Tells what `socket` has already once more; with `room` also when it takes bytes.
  void tell_again(int socket, stream_core& stream, bool room) noexcept;

  // Events are told, and io_context::run() does not return, while somebody waits for one.
  void begin_wait();
  void end_wait() noexcept;

  // The io_context goes: lets go of all that waits.
  void shutdown() noexcept;

 private:
  static constexpr int at_a_time = 128;  // then Asio's other work has its turn

  [[nodiscard]] int open() noexcept;
  void arm();
  void turn();

  asio::posix::basic_stream_descriptor<executor> epoll_;
  std::unordered_set<stream_core*> streams_;
  std::size_t waits_ = 0;
  bool armed_ = false;  // Asio waits for `epoll_`, or a turn is under way
};

}  // namespace sluice::detail
