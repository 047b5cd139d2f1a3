// Blocking work for coroutines: the disk, SQL, digests.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "sluice/awaitable.h"

namespace sluice::net {

using blocking_pool = boost::asio::thread_pool;

// GCC 12 destroys the captures of a lambda twice that is made inside a co_await. So a lambda that
// owns something gets a name first; one that captures references and plain values may be written in
// place.
template <class F>
concept safe_in_co_await = std::is_lvalue_reference_v<F> || std::is_trivially_copyable_v<F>;

// Gives the coroutine a value that another thread makes: `start` is called at once with a
// `complete(value)` that may be called once, from any thread. The coroutine goes on on its own
// thread; its io_context is kept running until then.
template <class T, class Start>
  requires safe_in_co_await<Start>
awaitable<T> from_callback(Start&& start) {
  using boost::asio::use_awaitable_t;
  auto initiate = [&start](auto handler) {
    auto where = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                     boost::asio::execution::outstanding_work.tracked);
    // Shared, because callers keep `complete` in a std::function.
    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
    start([kept, where](T value) {
      boost::asio::post(where, [kept, value = std::move(value)]() mutable {
        std::move (*kept)(std::optional<T>(std::move(value)));
      });
    });
  };
  std::optional<T> value =
      co_await boost::asio::async_initiate<const use_awaitable_t<executor>, void(std::optional<T>)>(
          initiate, boost::asio::use_awaitable_t<executor>{});
  co_return std::move(*value);
}

// Runs `work()` on a thread of `pool` and gives back what it returned (not void). `work` and what
// it refers to live in the coroutine that awaits; a pool is joined before their io_context is gone.
// An exception of `work` is thrown in the coroutine.
template <class Work>
  requires safe_in_co_await<Work>
awaitable<std::invoke_result_t<Work&>> on_pool(blocking_pool& pool, Work&& work) {
  using boost::asio::use_awaitable_t;
  using value = std::invoke_result_t<Work&>;
  auto initiate = [&pool, &work](auto handler) {
    auto where = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                     boost::asio::execution::outstanding_work.tracked);
    boost::asio::post(pool, [handler = std::move(handler), where, &work]() mutable {
      std::exception_ptr thrown;
      std::optional<value> made;
      try {
        made.emplace(work());
      } catch (...) {
        thrown = std::current_exception();
      }
      boost::asio::post(where,
                        [handler = std::move(handler), thrown, made = std::move(made)]() mutable {
                          std::move(handler)(thrown, std::move(made));
                        });
    });
  };
  std::optional<value> made =
      co_await boost::asio::async_initiate<const use_awaitable_t<executor>,
                                           void(std::exception_ptr, std::optional<value>)>(
          initiate, use_awaitable_t<executor>{});
  co_return std::move(*made);
}

}  // namespace sluice::net
