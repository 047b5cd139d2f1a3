// The Asio types that the library is built on, all on the one concrete executor of an io_context
// (measured: up to 5 % faster than the type-erased `any_io_executor` that Asio defaults to).
//
// Thread: an io_context is run by one thread; what was made on it lives and dies on that thread.
// A program with several threads has one io_context for each.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace sluice {

namespace asio = boost::asio;

using executor = asio::io_context::executor_type;

// A coroutine of the library; `co_await` it, or start it with asio::co_spawn.
template <class T = void>
using awaitable = asio::awaitable<T, executor>;

using tcp_endpoint = asio::ip::tcp::endpoint;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;
using steady_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, executor>;

inline constexpr asio::use_awaitable_t<executor> use_awaitable{};

// For `auto [ec, n] = co_await socket.async_read_some(buffer, as_tuple)`: an error is a value, and
// no second coroutine is made.
inline constexpr asio::as_tuple_t<asio::deferred_t> as_tuple{asio::deferred};

// What `co_await` of an `eager<Op>` waits for: an operation that mostly needs no waiting. An Op has
//   bool ready();                    does it now, if it can be done without waiting
//   R take();                        what it gave, after ready() said true
//   awaitable<R> wait();             the coroutine that does it otherwise
// To be awaited in a coroutine on `executor`, where it stands; it is no argument for co_spawn.
template <class Op>
struct when_ready {};
template <class Op>
using eager = awaitable<when_ready<Op>>;

}  // namespace sluice

// Asio suspends the caller of every `awaitable`, and makes a coroutine for it. At ten million
// frames a second these are most of the cost; what is ready goes past both here.
template <class Op>
class boost::asio::awaitable<sluice::when_ready<Op>, sluice::executor> {
 public:
  explicit awaitable(const Op& op) : op_(op) {}

  bool await_ready() { return op_.ready(); }
  template <class Handle>
  void await_suspend(Handle caller) {
    waiting_ = op_.wait();
    waiting_.await_suspend(caller);
  }
  auto await_resume() { return waiting_.valid() ? waiting_.await_resume() : op_.take(); }

 private:
  Op op_;
  decltype(std::declval<Op&>().wait()) waiting_;
};
