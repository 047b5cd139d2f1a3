#include "sluice/frame_stream.h"

#include <utility>

#include "frame/stream_core.h"

namespace sluice {

using detail::stream_core;

namespace {

std::shared_ptr<stream_core> core_of(const std::shared_ptr<detail::stream_front>& front) {
  return std::static_pointer_cast<stream_core>(front);
}

}  // namespace

frame_stream::frame_stream(tcp_socket socket, const stream_options& options)
    : front_(std::make_shared<stream_core>(std::move(socket), options)) {}

frame_stream& frame_stream::operator=(frame_stream&& other) noexcept {
  if (front_ && front_ != other.front_) close();
  front_ = std::move(other.front_);
  return *this;
}

frame_stream::~frame_stream() {
  if (front_) close();
}

result<void> frame_stream::try_write(frame content) {
  return stream_core::of(*front_).try_write(content);
}

awaitable<result<void>> frame_stream::read_exactly(std::span<std::byte> into) {
  return stream_core::wait_bytes(core_of(front_), into);
}
awaitable<result<void>> frame_stream::flush() { return stream_core::wait_sent(core_of(front_)); }
awaitable<result<void>> frame_stream::shutdown() { return stream_core::shut(core_of(front_)); }

void frame_stream::close() noexcept { stream_core::of(*front_).close(); }
void frame_stream::abort() noexcept { stream_core::of(*front_).abort(); }

const tcp_endpoint& frame_stream::remote_endpoint() const noexcept {
  return stream_core::of(*front_).peer();
}
std::size_t frame_stream::queued_bytes() const noexcept {
  return stream_core::of(*front_).queued();
}
executor frame_stream::get_executor() const noexcept { return stream_core::of(*front_).loop(); }

}  // namespace sluice
