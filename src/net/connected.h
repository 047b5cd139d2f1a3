// For tests: two ends that talk to each other.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "net/path_tuning.h"
#include "net/stream.h"

namespace sluice::net {

// Two ends of one TCP connection. What throws in a coroutine fails the test.
class connected {
 public:
  connected() : near_(tcp_socket(io_)), far_(tcp_socket(io_)) {
    tcp_acceptor acceptor(io_.get_executor(),
                          tcp_endpoint(boost::asio::ip::address_v4::loopback(), 0));
    near_.socket().connect(acceptor.local_endpoint());
    acceptor.accept(far_.socket());
    tune(near_.socket());
    tune(far_.socket());
  }

  void start(awaitable<void> work) {
    boost::asio::co_spawn(io_.get_executor(), std::move(work), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  // Runs all that can run now.
  void settle() {
    do {
      io_.restart();
    } while (io_.poll() > 0);
  }

  // Runs until nothing is left to wait for.
  void run() {
    io_.restart();
    io_.run();
  }

  [[nodiscard]] stream& near() noexcept { return near_; }  // the client's
  [[nodiscard]] stream& far() noexcept { return far_; }    // the server's

 private:
  boost::asio::io_context io_{1};
  stream near_;
  stream far_;
};

}  // namespace sluice::net
