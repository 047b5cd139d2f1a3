#include "frame/listener_core.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <iostream>
#include <utility>

#include "frame/stream_core.h"

namespace sluice {

namespace {

using boost::system::error_code;

constexpr auto never = std::chrono::steady_clock::time_point::max();

// One write, so that lines of several programs on one terminal stay whole.
void log_line(const error& what) { std::clog << what.message() + "\n" << std::flush; }

void rethrow(const std::exception_ptr& bug) {
  if (bug) std::rethrow_exception(bug);
}

std::optional<error> bug_of_session(const tcp_endpoint& peer, const char* what) {
  return error{errc::internal, to_string(peer) + ": the session threw: " + what};
}

// Nothing that a session throws goes past here.
template <class Session, class Connection>
awaitable<std::optional<error>> guard(Session session, Connection connection, tcp_endpoint peer) {
  try {
    auto running = session(std::move(connection));  // outside, or the frame would hold it twice
    co_await std::move(running);
  } catch (const boost::system::system_error& thrown) {
    // How Asio's own operations tell that they were cancelled.
    if (thrown.code() != asio::error::operation_aborted)
      co_return bug_of_session(peer, thrown.what());
  } catch (const std::exception& bug) {
    co_return bug_of_session(peer, bug.what());
  } catch (...) {
    co_return bug_of_session(peer, "what is no std::exception");
  }
  co_return std::nullopt;
}

}  // namespace

listener_core::listener_core(tcp_acceptor acceptor, listener_options options)
    : acceptor_(std::move(acceptor)),
      options_(std::move(options)),
      local_(acceptor_.local_endpoint()),
      retry_(acceptor_.get_executor()),
      drained_(acceptor_.get_executor(), never) {}

void listener_core::serve(socket_session session) {
  start([session = std::move(session)](tcp_socket socket, const tcp_endpoint& peer) {
    return guard(session, std::move(socket), peer);
  });
}

void listener_core::serve(frame_session session) {
  start([session = std::move(session), stream = options_.stream](tcp_socket socket,
                                                                 const tcp_endpoint& peer) {
    return run_frames(stream, session, std::move(socket), peer);
  });
}

// A session of frames is over when its connection is closed: what it queued last is sent first.
awaitable<std::optional<error>> listener_core::run_frames(stream_options options,
                                                          frame_session session, tcp_socket socket,
                                                          tcp_endpoint peer) {
  frame_stream stream(std::move(socket), options);
  const auto core = std::static_pointer_cast<detail::stream_core>(stream.front_);
  auto thrown = co_await guard(std::move(session), std::move(stream), peer);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() == asio::cancellation_type::none) {
    core->close();
    co_await detail::stream_core::wait_closed(core);
  }
  core->abort();
  co_return thrown ? thrown : core->trouble();
}

void listener_core::start(runner run) {
  run_ = std::move(run);
  asio::co_spawn(acceptor_.get_executor(), accept_loop(shared_from_this()), rethrow);
}

void listener_core::stop() noexcept {
  error_code ignored;  // a listening socket holds nothing that could be lost
  acceptor_.close(ignored);
  retry_.cancel();
}

void listener_core::cancel() {
  stop();
  for (const auto& [id, session] : running_)
    asio::post(session.loop, [end = session.end] { end->emit(asio::cancellation_type::terminal); });
}

awaitable<void> listener_core::drained(std::shared_ptr<listener_core> self) {
  while (!self->running_.empty()) (void)co_await self->drained_.async_wait(as_tuple);
}

awaitable<void> listener_core::accept_loop(std::shared_ptr<listener_core> self) {
  while (self->acceptor_.is_open()) {
    auto accepted = co_await self->acceptor_.async_accept(self->next_context(), as_tuple);
    if (!self->acceptor_.is_open()) co_return;
    if (std::get<0>(accepted)) {
      co_await back_off(self, std::get<0>(accepted));
    } else {
      self->take(std::move(std::get<1>(accepted)));
    }
  }
}

// Most failures of accept(2) are for want of descriptors or memory, and trying again at once would
// burn a core. Reported once, until accepting works again.
awaitable<void> listener_core::back_off(std::shared_ptr<listener_core> self, error_code why) {
  if (!std::exchange(self->in_trouble_, true)) {
    const auto failed = fail_errno(why.value(), "accept on " + to_string(self->local_)).error();
    self->options_.hooks.on_trouble ? self->options_.hooks.on_trouble(failed) : log_line(failed);
  }
  self->retry_.expires_after(self->options_.retry_delay);
  (void)co_await self->retry_.async_wait(as_tuple);
}

asio::io_context& listener_core::next_context() {
  if (options_.contexts.empty()) return acceptor_.get_executor().context();
  return *options_.contexts[turn_++ % options_.contexts.size()];
}

void listener_core::take(tcp_socket socket) {
  in_trouble_ = false;
  if (running_.size() >= options_.max_connections) return refuse(std::move(socket));
  error_code gone;  // a peer can leave before it is asked for
  const tcp_endpoint peer = socket.remote_endpoint(gone);
  socket.set_option(asio::ip::tcp::no_delay(true), gone);
  if (options_.hooks.on_open) options_.hooks.on_open(peer);
  run(std::move(socket), peer);
}

void listener_core::run(tcp_socket socket, const tcp_endpoint& peer) {
  const session_id id = next_id_++;
  const executor loop = socket.get_executor();
  const auto end = std::make_shared<asio::cancellation_signal>();
  running_.emplace(id, running{loop, end});
  asio::co_spawn(loop, run_(std::move(socket), peer),
                 asio::bind_cancellation_slot(
                     end->slot(), [self = shared_from_this(), id, peer, end,
                                   stays = asio::make_work_guard(acceptor_.get_executor())](
                                      const std::exception_ptr& bug, std::optional<error> trouble) {
                       rethrow(bug);
                       asio::post(stays.get_executor(),
                                  [self, id, how = session_end{peer, std::move(trouble)}] {
                                    self->finished(id, how);
                                  });
                     }));
}

void listener_core::refuse(tcp_socket socket) {
  if (options_.hooks.on_refuse) options_.hooks.on_refuse(std::move(socket));
}

void listener_core::finished(session_id id, const session_end& how) {
  running_.erase(id);
  if (options_.hooks.on_end) {
    options_.hooks.on_end(how);
  } else if (how.trouble) {
    log_line(*how.trouble);
  }
  retry_.cancel();
  if (running_.empty()) drained_.cancel();
}

}  // namespace sluice
