// The reading half of a stream: wait, receive all that is there, cut frames from it.
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <cerrno>
#include <utility>

#include "frame/stream_core.h"

namespace sluice::detail {

bool read_op::ready() {
  if (!core->next_frame()) return false;
  data = core->current().data();
  size_bytes = core->current().size();
  return true;
}
awaitable<result<frame>> read_op::wait() {
  return stream_core::wait_frame(core->shared_from_this());
}

bool stream_core::next_frame() {
  if (read_end_ || unread_.empty()) [[unlikely]]
    return false;
  if (!decoder_.try_next(unread_, current_)) [[unlikely]]
    return next_in_pieces();
  frame_begun_ = false;
  return true;
}

bool stream_core::next_in_pieces() {
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
    co_await await_bytes(self);
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
    co_await await_bytes(self);
    if (!self->read_end_) into = into.subspan(self->receive(into));
    if (into.empty()) co_return result<void>{};
  }
}

namespace {

// The handler of a coroutine that waits for bytes, run as a turn of the stream_service.
template <class Handler>
struct resume_handler {
  using executor_type = asio::associated_executor_t<Handler>;
  using allocator_type = asio::associated_allocator_t<Handler>;
  using cancellation_slot_type = asio::associated_cancellation_slot_t<Handler>;

  [[nodiscard]] executor_type get_executor() const noexcept {
    return asio::get_associated_executor(handler);
  }
  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return asio::get_associated_allocator(handler);
  }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
    return asio::get_associated_cancellation_slot(handler);
  }
  void operator()(const boost::system::error_code& failed) {
    service.resume(std::move(handler), failed);
  }

  stream_service& service;
  Handler handler;
};

}  // namespace

auto stream_core::async_readable() {
  return asio::async_initiate<decltype(as_tuple), void(boost::system::error_code)>(
      [](auto handler, stream_core* self) {
        self->socket_.async_wait(tcp_socket::wait_read, resume_handler<decltype(handler)>{
                                                            self->service_, std::move(handler)});
      },
      as_tuple, this);
}

// Waits until receive() would give something, or the stream has ended.
awaitable<void> stream_core::await_bytes(std::shared_ptr<stream_core> self) {
  self->rest();
  const bool between = self->decoder_.between_frames();
  if (between) {
    self->set_deadline(reading, self->options_.idle_timeout);
  } else if (!self->frame_begun_) {
    self->frame_begun_ = true;
    self->set_deadline(reading, self->options_.frame_timeout);
  }
  const auto waited = co_await self->async_readable();
  if (between) self->clear_deadline(reading);
  // A wait that fails without an end of ours was cancelled through Asio, from outside.
  if (std::get<0>(waited) && !self->read_end_) self->end({errc::cancelled, self->told("read")});
}

// Gives back the memory that an idle stream has no use for.
void stream_core::rest() noexcept {
  if (slab_) service_.give_slab(std::move(slab_));
  if (decoder_.between_frames() && decoder_.memory_bytes() != 0) decoder_.release_memory();
}

// Takes what is there, without waiting; 0 when that was nothing, or the end.
std::size_t stream_core::receive(std::span<std::byte> into) {
  for (;;) {
    const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) {
      at_end();
      return 0;
    }
    const int why = errno;
    if (why == EAGAIN || why == EWOULDBLOCK) return 0;
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
