// The life of a stream: its start, its deadlines and its end.
#include "frame/stream_core.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "sluice/host_port.h"

namespace sluice::detail {

namespace {

tcp_endpoint peer_of(const tcp_socket& socket) noexcept {
  boost::system::error_code gone;  // a peer can leave before it is asked for
  return socket.remote_endpoint(gone);
}

void rethrow(const std::exception_ptr& bug) {
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

stream_core::stream_core(tcp_socket socket, const stream_options& options)
    : socket_(std::move(socket)),
      service_(asio::use_service<stream_service>(socket_.get_executor().context())),
      options_(options),
      peer_(peer_of(socket_)),
      decoder_(options.format),
      encoder_(options.format) {
  due_.fill(clock::time_point::max());
  boost::system::error_code ignored;  // not every socket is TCP over IP, and no harm is done
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

stream_core::~stream_core() {
  if (service_.down()) return;
  if (slab_) service_.give_slab(std::move(slab_));
}

std::string stream_core::told(std::string_view attempt) const {
  return to_string(peer_) + ": " + std::string(attempt);
}

// Peer and system are done with each other: nothing more is read, written or waited for.
void stream_core::end(const error& why) noexcept {
  if (!read_end_ || read_end_->code == errc::end_of_stream) read_end_ = why;
  if (!write_end_) write_end_ = why;
  close_socket();
}

void stream_core::close_socket() noexcept {
  boost::system::error_code
      ignored;  // nothing is written to disk here: a failed close loses nothing
  socket_.close(ignored);
  unread_ = {};
  blocked_ = false;
  drop_queue();
  due_.fill(clock::time_point::max());
  if (timer_) timer_->cancel();
  announce_change();
}

void stream_core::close() noexcept {
  if (closing_ || service_.down()) return;
  closing_ = true;
  if (!socket_.is_open()) return;
  const error by_us{errc::cancelled, told("closed")};
  if (!read_end_) read_end_ = by_us;
  unread_ = {};
  if (!blocked_ && queued() != 0) send_queue();
  if (!socket_.is_open()) return;
  if (queued() == 0 && (peer_ended_ || options_.linger_timeout.count() == 0)) return end(by_us);
  if (!write_end_) write_end_ = by_us;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  announce_change();
  asio::co_spawn(loop(), wind_down(shared_from_this()), rethrow);
}

void stream_core::abort() noexcept {
  if (service_.down() || !socket_.is_open()) return;
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  end({errc::cancelled, told("aborted")});
  closing_ = true;
}

// Sends the rest, says that it was the last, and waits for the peer to say so too: see
// stream_options::linger_timeout.
awaitable<void> stream_core::wind_down(std::shared_ptr<stream_core> self) {
  while (self->socket_.is_open() && self->queued() != 0) (void)co_await changed(self);
  if (!self->socket_.is_open()) co_return;
  ::shutdown(self->socket_.native_handle(), SHUT_WR);
  const auto scrap = self->service_.take_slab();
  self->set_deadline(lingering, self->options_.linger_timeout);
  while (self->socket_.is_open() && !self->peer_ended_) {
    const auto waited = co_await self->socket_.async_wait(tcp_socket::wait_read, as_tuple);
    if (std::get<0>(waited) || !self->socket_.is_open()) break;
    (void)self->receive({scrap.get(), stream_service::slab_bytes});
  }
  self->end({errc::cancelled, self->told("closed")});
}

awaitable<void> stream_core::wait_closed(std::shared_ptr<stream_core> self) {
  while (self->socket_.is_open()) {
    const bool go_on = co_await changed(self);
    if (!go_on) self->abort();
  }
}

std::optional<error> stream_core::trouble() const {
  const auto clean = [](const std::optional<error>& end) {
    return !end || end->code == errc::end_of_stream || end->code == errc::cancelled;
  };
  if (!clean(read_end_)) return read_end_;
  if (!clean(write_end_)) return write_end_;
  return std::nullopt;
}

void stream_core::set_deadline(deadline which, std::chrono::milliseconds after) {
  if (after.count() == 0) return;
  due_[which] = clock::now() + after;
  if (due_[which] >= timer_at_) return;  // the timer fires before that, and will see it then
  timer_at_ = due_[which];
  if (!timer_) timer_.emplace(loop());
  timer_->expires_at(timer_at_);
  timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    if (const auto self = weak.lock()) self->on_timer();
  });
}

void stream_core::on_timer() {
  timer_at_ = clock::time_point::max();
  if (!socket_.is_open()) return;
  const auto first = std::ranges::min_element(due_);
  const auto left = *first - clock::now();
  const auto which = static_cast<deadline>(first - due_.begin());
  if (left <= clock::duration::zero()) return expire(which);
  if (*first != clock::time_point::max())
    set_deadline(which, std::chrono::ceil<std::chrono::milliseconds>(left));
}

void stream_core::expire(deadline which) {
  const auto says = [this](const char* what, std::chrono::milliseconds limit) {
    end({errc::timed_out, told(std::string(what) + " " + std::to_string(limit.count()) + " ms")});
  };
  switch (which) {
    case reading:
      if (frame_begun_) return says("read: a frame was not whole within", options_.frame_timeout);
      return says("read: nothing arrived for", options_.idle_timeout);
    case writing: return says("write: the peer took nothing for", options_.write_timeout);
    default: return end({errc::cancelled, told("closed")});
  }
}

}  // namespace sluice::detail
