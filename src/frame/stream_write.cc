// The writing half of a stream: a bounded queue of encoded frames, sent as far as the system takes
// them, and gone on with when it takes more.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "frame/stream_core.h"

namespace sluice::detail {

awaitable<result<void>> write_op::wait() {
  return stream_core::wait_write(stream_core::of(*front).shared_from_this(), {data, size_bytes});
}

bool stream_front::put_in_larger_queue(const frame& content) {
  return stream_core::of(*this).put(content).has_value();
}
void stream_front::see_to_sending() { stream_core::of(*this).send_soon(); }

awaitable<result<void>> stream_core::wait_write(std::shared_ptr<stream_core> self, frame content) {
  for (;;) {
    if (self->write_end_) co_return std::unexpected(*self->write_end_);
    if (!self->blocked_) self->send_queue();
    if (self->write_end_) continue;
    if (self->has_room(content.size() + self->encoder_.format().head_size()))
      co_return self->put(content);
    const bool go_on = co_await changed(self);
    if (!go_on) self->end({errc::cancelled, self->told("write")});
  }
}

result<void> stream_core::try_write(frame content) {
  if (write_end_) return std::unexpected(*write_end_);
  if (!has_room(content.size() + encoder_.format().head_size()))
    return fail(errc::busy, told("write: " + std::to_string(queued()) + " bytes wait already"));
  return put(content);
}

result<void> stream_core::put(frame content) {
  if (queue_.capacity() == 0) queue_ = service_.take_queue();
  if (content.size() < encoder_.format().max_frame_bytes())
    queue_.reserve_room(encoder_.format().head_size() + content.size());
  const std::size_t encoded = encoder_.try_encode(content, queue_.room());
  if (encoded == 0) {
    std::vector<std::byte> nothing;  // stays empty: there is no such frame, and this says why
    const auto why = encoder_.encode(content, nothing);
    return fail(why.error().code, told("write: " + why.error().context));
  }
  queue_.append(encoded);
  send_soon();
  return {};
}

void stream_core::send_soon() {
  if (blocked_) return;
  if (queued() >= worth_sending) return send_queue();
  if (flush_due_) [[likely]]
    return;
  flush_due_ = true;
  service_.flush_soon(shared_from_this(), loop());
}

void stream_core::flush_now() noexcept {
  flush_due_ = false;
  if (!blocked_ && queued() != 0) send_queue();
}

void stream_core::send_queue() noexcept {
  while (queued() != 0) {
    const auto rest = queue_.bytes();
    const ssize_t taken = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    const int why = errno;
    if (taken > 0) {
      queue_.drop_front(static_cast<std::size_t>(taken));
    } else if (taken == 0) {  // a system that takes nothing and does not say why never will
      return end({errc::broken_stream, told("write: the system took nothing")});
    } else if (why == EAGAIN || why == EWOULDBLOCK) {
      return await_writable();
    } else if (why != EINTR) {
      return end(fail_errno(why, told("write")).error());
    }
  }
  drop_queue();
}

void stream_core::drop_queue() noexcept {
  queue_.clear();
  if (queue_.capacity() != 0) service_.give_queue(std::exchange(queue_, {}));
}

void stream_core::await_writable() {
  blocked_ = true;
  set_deadline(writing, options_.write_timeout);
  service_.poll().begin_wait();
  service_.poll().tell_again(socket_, *this, true);
}

void stream_core::on_writable() {
  blocked_ = false;
  service_.poll().end_wait();
  clear_deadline(writing);
  send_queue();
  announce_change();
}

awaitable<result<void>> stream_core::wait_sent(std::shared_ptr<stream_core> self) {
  for (;;) {
    if (self->write_end_) co_return std::unexpected(*self->write_end_);
    if (!self->blocked_) self->send_queue();
    if (self->write_end_) continue;
    if (self->queued() == 0) co_return result<void>{};
    const bool go_on = co_await changed(self);
    if (!go_on) self->end({errc::cancelled, self->told("write")});
  }
}

awaitable<result<void>> stream_core::shut(std::shared_ptr<stream_core> self) {
  auto flushed = co_await wait_sent(self);
  if (!flushed) co_return flushed;
  if (::shutdown(self->socket_, SHUT_WR) != 0) {
    const int why = errno;
    co_return fail_errno(why, self->told("shut down"));
  }
  self->write_end_ = error{errc::cancelled, self->told("write after shutdown()")};
  co_return result<void>{};
}

// Waits for announce_change(); false when the wait was cancelled through Asio, from outside.
awaitable<bool> stream_core::changed(std::shared_ptr<stream_core> self) {
  if (!self->changed_) self->changed_.emplace(self->loop(), clock::time_point::max());
  ++self->waiting_;
  (void)co_await self->changed_->async_wait(as_tuple);
  --self->waiting_;
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

void stream_core::announce_change() noexcept {
  if (waiting_ != 0) changed_->cancel();
}

}  // namespace sluice::detail
