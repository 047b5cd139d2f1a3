#include "sluice/connect.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

namespace {

using clock = std::chrono::steady_clock;
using resolver = asio::ip::basic_resolver<asio::ip::tcp, executor>;
using boost::system::error_code;

// An operation under a deadline. `over` is the deadline, and is cancelled when the operation is
// done. Shared with the operation's handler, since an operation can outlast the wait for it (the
// system's resolver cannot be interrupted).
template <class Operation>
struct timed {
  timed(const executor& loop, clock::time_point deadline) : operation(loop), over(loop, deadline) {}
  Operation operation;
  steady_timer over;
  bool done = false;
  error_code failed;
  std::vector<tcp_endpoint> found;  // by a resolver

  void finish(const error_code& outcome) {
    done = true;
    failed = outcome;
    over.cancel();
  }
};

// success, what the operation said, timed_out, or operation_aborted for a wait that was cancelled.
template <class Operation>
awaitable<error_code> outcome(std::shared_ptr<timed<Operation>> state) {
  const auto waited = co_await state->over.async_wait(as_tuple);
  if (state->done) co_return state->failed;
  if (std::get<0>(waited)) co_return std::get<0>(waited);
  co_return error_code(asio::error::timed_out);
}

awaitable<result<std::vector<tcp_endpoint>>> resolve(host_port where, clock::time_point deadline) {
  error_code no_literal;
  const auto literal = asio::ip::make_address(where.host, no_literal);
  if (!no_literal) co_return std::vector{tcp_endpoint(literal, where.port)};

  const executor loop = co_await asio::this_coro::executor;
  const auto state = std::make_shared<timed<resolver>>(loop, deadline);
  state->operation.async_resolve(
      where.host, std::to_string(where.port), resolver::numeric_service,
      [state](const error_code& failed, const resolver::results_type& entries) {
        for (const auto& entry : entries) state->found.push_back(entry.endpoint());
        state->finish(failed);
      });
  const error_code failed = co_await outcome(state);
  if (!failed) co_return std::move(state->found);
  const std::string context = "look up " + to_string(where);
  if (state->done) co_return fail(errc::not_found, context + ": " + failed.message());
  co_return fail(failed == asio::error::timed_out ? errc::timed_out : errc::cancelled, context);
}

struct attempt {
  error_code failed;
  std::optional<tcp_socket> socket;
};

awaitable<attempt> try_address(tcp_endpoint address, clock::time_point deadline) {
  const executor loop = co_await asio::this_coro::executor;
  const auto state = std::make_shared<timed<tcp_socket>>(loop, deadline);
  state->operation.async_connect(address,
                                 [state](const error_code& failed) { state->finish(failed); });
  const error_code failed = co_await outcome(state);
  error_code ignored;  // of a socket that is given up, or of an option that only speeds up
  if (failed) {
    state->operation.close(ignored);
    co_return attempt{failed, std::nullopt};
  }
  state->operation.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return attempt{failed, std::move(state->operation)};
}

}  // namespace

awaitable<result<tcp_socket>> connect_socket(host_port where, connect_options options) {
  const auto deadline = clock::now() + options.timeout;
  auto addresses = co_await resolve(where, deadline);
  if (!addresses) co_return std::unexpected(std::move(addresses.error()));

  std::string context = "connect to " + to_string(where);
  for (const auto& address : *addresses) {
    const auto now = clock::now();
    context += &address == addresses->data() ? ": tried " : ", ";
    context += to_string(address);
    auto tried = co_await try_address(address, std::min(deadline, now + options.attempt_timeout));
    if (tried.socket) co_return std::move(*tried.socket);
    if (tried.failed == asio::error::operation_aborted)
      co_return fail(errc::cancelled, std::move(context));
    context += " (" + tried.failed.message() + ")";
    if (clock::now() >= deadline) break;
  }
  co_return fail(errc::cannot_connect, std::move(context));
}

awaitable<result<frame_stream>> connect(host_port where, connect_options options) {
  const stream_options stream = options.stream;
  auto socket = co_await connect_socket(std::move(where), options);
  if (!socket) co_return std::unexpected(std::move(socket.error()));
  co_return frame_stream(std::move(*socket), stream);
}

}  // namespace sluice
