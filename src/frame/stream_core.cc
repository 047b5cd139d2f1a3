// The life of a stream: its start, its deadlines and its end.
#include "frame/stream_core.h"

#include <sys/socket.h>
#include <unistd.h>

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

// Asio's reactor has no more to do with it.
int taken_from(tcp_socket& socket) noexcept {
  boost::system::error_code ignored;  // not every socket is TCP over IP, and no harm is done
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  return socket.is_open() ? socket.release(ignored) : -1;
}

void rethrow(const std::exception_ptr& bug) {
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

stream_core::stream_core(tcp_socket socket, const stream_options& options)
    : stream_front(options),
      loop_(socket.get_executor()),
      service_(asio::use_service<stream_service>(loop_.context())),
      options_(options),
      peer_(peer_of(socket)),
      socket_(taken_from(socket)) {
  due_.fill(clock::time_point::max());
  if (!is_open()) {
    end({errc::cancelled, told("closed")});
  } else if (const int why = service_.poll().add(socket_, *this); why != 0) {
    end(fail_errno(why, told("watch")).error());
  }
}

stream_core::~stream_core() {
  if (is_open()) release_socket();
  if (slab_ && !service_.down()) service_.give_slab(std::move(slab_));
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

void stream_core::release_socket() noexcept {
  service_.poll().remove(socket_, *this);
  ::close(socket_);  // nothing is written to disk here: a failed close loses nothing
  socket_ = -1;
}

void stream_core::close_socket() noexcept {
  if (is_open()) release_socket();
  unread_ = {};
  stop_reading();
  if (std::exchange(blocked_, false)) service_.poll().end_wait();
  drop_queue();
  due_.fill(clock::time_point::max());
  if (timer_) timer_->cancel();
  announce_change();
}

void stream_core::close() noexcept {
  if (closing_ || service_.down()) return;
  closing_ = true;
  if (!is_open()) return;
  const error by_us{errc::cancelled, told("closed")};
  if (!read_end_) read_end_ = by_us;
  unread_ = {};
  if (!blocked_ && queued() != 0) send_queue();
  if (!is_open()) return;
  if (queued() == 0 && (peer_ended_ || options_.linger_timeout.count() == 0)) return end(by_us);
  if (!write_end_) write_end_ = by_us;
  stop_reading();
  announce_change();
  asio::co_spawn(loop(), wind_down(shared_from_this()), rethrow);
}

void stream_core::abort() noexcept {
  if (service_.down() || !is_open()) return;
  const linger reset{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  end({errc::cancelled, told("aborted")});
  closing_ = true;
}

// Sends the rest, says that it was the last, and waits for the peer to say so too: see
// stream_options::linger_timeout.
awaitable<void> stream_core::wind_down(std::shared_ptr<stream_core> self) {
  while (self->is_open() && self->queued() != 0) (void)co_await changed(self);
  if (!self->is_open()) co_return;
  ::shutdown(self->socket_, SHUT_WR);
  const auto scrap = self->service_.take_slab();
  self->set_deadline(lingering, self->options_.linger_timeout);
  while (self->is_open() && !self->peer_ended_) {
    co_await self->async_readable();
    if (!self->is_open()) break;
    (void)self->receive({scrap.get(), stream_service::slab_bytes});
  }
  self->end({errc::cancelled, self->told("closed")});
}

awaitable<void> stream_core::wait_closed(std::shared_ptr<stream_core> self) {
  while (self->is_open()) {
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
  if (!is_open()) return;
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
