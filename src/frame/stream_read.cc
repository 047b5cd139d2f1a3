// The reading half of a stream: wait, receive all that is there, cut frames from it.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "frame/stream_core.h"

namespace sluice::detail {

awaitable<result<frame>> read_op::wait() {
  return stream_core::wait_frame(stream_core::of(*front).shared_from_this());
}

bool stream_front::next_in_pieces() { return stream_core::of(*this).decode_in_pieces(); }

bool stream_core::decode_in_pieces() {
  const auto cut = decoder_.next(unread_);
  if (!cut) {
    read_end_ = error{cut.error().code, told("read: " + cut.error().context)};
    return false;
  }
  if (!*cut) return false;
  current_ = **cut;
  frame_begun_ = false;
  return true;
}

awaitable<result<frame>> stream_core::wait_frame(std::shared_ptr<stream_core> self) {
  for (;;) {
    if (self->next_frame()) co_return self->current_;
    if (self->read_end_) co_return std::unexpected(*self->read_end_);
    self->prepare_to_wait();
    co_await self->async_readable();
    if (self->read_end_) continue;
    if (!self->slab_) self->slab_ = self->service_.take_slab();
    const std::span into(self->slab_.get(), stream_service::slab_bytes);
    self->unread_ = into.first(self->receive(into));
  }
}

awaitable<result<void>> stream_core::wait_bytes(std::shared_ptr<stream_core> self,
                                                std::span<std::byte> into) {
  const std::size_t wanted = into.size();
  for (;;) {
    const std::size_t here = std::min(into.size(), self->unread_.size());
    std::copy_n(self->unread_.begin(), here, into.begin());
    self->unread_ = self->unread_.subspan(here);
    into = into.subspan(here);
    if (into.empty()) co_return result<void>{};
    if (self->read_end_) {
      if (self->read_end_->code != errc::end_of_stream || into.size() == wanted)
        co_return std::unexpected(*self->read_end_);
      co_return fail(errc::broken_stream,
                     self->told("read " + std::to_string(wanted) + " bytes: got " +
                                std::to_string(wanted - into.size())));
    }
    self->prepare_to_wait();
    co_await self->async_readable();
    if (!self->read_end_) into = into.subspan(self->receive(into));
    if (into.empty()) co_return result<void>{};
  }
}

// `on_end` is called when there may be something to receive, or the stream has ended.
void stream_core::begin_reading(std::move_only_function<void()> on_end,
                                asio::cancellation_slot slot) {
  if (slot.is_connected())
    slot.assign([this](asio::cancellation_type) {
      if (!read_end_) end({errc::cancelled, told("read")});
    });
  reader_ = std::move(on_end);
  service_.poll().begin_wait();
  if (std::exchange(untold_, false)) service_.poll().tell_again(socket_, *this, blocked_);
}

void stream_core::prepare_to_wait() {
  rest();
  if (decoder_.between_frames()) {
    set_deadline(reading, options_.idle_timeout);
  } else if (!frame_begun_) {
    frame_begun_ = true;
    set_deadline(reading, options_.frame_timeout);
  }
}

void stream_core::on_events(std::uint32_t events) {
  if (blocked_ && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) on_writable();
  if (!is_open() || (events & ~EPOLLOUT) == 0) return;
  if ((events & ~(EPOLLIN | EPOLLOUT)) != 0) ends_ = true;
  untold_ = true;
  if (reader_) on_readable();
}

void stream_core::on_readable() {
  if (decoder_.between_frames()) clear_deadline(reading);
  service_.poll().end_wait();
  service_.resume(std::exchange(reader_, nullptr));
}

// The coroutine goes on from the loop, not from within the call that ends its wait.
void stream_core::stop_reading() {
  if (!reader_) return;
  service_.poll().end_wait();
  asio::post(loop_, std::exchange(reader_, nullptr));
}

// Gives back the memory that an idle stream has no use for.
void stream_core::rest() noexcept {
  if (slab_) service_.give_slab(std::move(slab_));
  if (decoder_.between_frames() && decoder_.memory_bytes() != 0) decoder_.release_memory();
}

// Takes what is there, without waiting; 0 when that was nothing, or the end.
std::size_t stream_core::receive(std::span<std::byte> into) {
  for (;;) {
    const ssize_t got = ::recv(socket_, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      const auto bytes = static_cast<std::size_t>(got);
      untold_ = ends_ || bytes == into.size();
      return bytes;
    }
    if (got == 0) {
      at_end();
      return 0;
    }
    const int why = errno;
    if (why == EAGAIN || why == EWOULDBLOCK) {
      untold_ = ends_ = false;
      return 0;
    }
    if (why == EINTR) continue;
    end(fail_errno(why, told("read")).error());
    return 0;
  }
}

void stream_core::at_end() {
  peer_ended_ = true;
  clear_deadline(reading);
  const auto whole = decoder_.finish();
  read_end_ = whole ? error{errc::end_of_stream, told("read")}
                    : error{whole.error().code, told("read: " + whole.error().context)};
}

}  // namespace sluice::detail
