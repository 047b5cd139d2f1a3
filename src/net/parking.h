// Connections on which nobody speaks, for the price of some words each: no coroutine waits, no
// buffer is held, and Asio knows nothing of them. One epoll(7) an io_context watches over all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "sluice/awaitable.h"

namespace sluice::net {

// What is kept of a parked connection; destroyed when it is resumed or closed.
class parked {
 public:
  virtual ~parked() = default;
  parked(const parked&) = delete;
  parked& operator=(const parked&) = delete;

  // The peer sent something or left: the connection goes on. On the thread of its io_context.
  virtual void resume(tcp_socket socket) = 0;

 protected:
  parked() = default;
};

// Keeps a socket on which nobody waits, on the thread of its io_context. At `until`, to a second,
// it is closed; so it is at once where it cannot be kept, or after close_parked.
void park(tcp_socket socket, std::unique_ptr<parked> whose,
          std::chrono::steady_clock::time_point until);

// Closes all that are parked there, and lets none in from then on. On the io_context's thread, or
// before it runs.
void close_parked(boost::asio::io_context& where);

}  // namespace sluice::net
