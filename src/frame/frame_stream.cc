#include "sluice/frame_stream.h"

#include <utility>

#include "frame/stream_core.h"

namespace sluice {

frame_stream::frame_stream(tcp_socket socket, const stream_options& options)
    : core_(std::make_shared<detail::stream_core>(std::move(socket), options)) {}

frame_stream& frame_stream::operator=(frame_stream&& other) noexcept {
  if (core_ && core_ != other.core_) core_->close();
  core_ = std::move(other.core_);
  return *this;
}

frame_stream::~frame_stream() {
  if (core_) core_->close();
}

result<void> frame_stream::try_write(frame content) { return core_->try_write(content); }

awaitable<result<void>> frame_stream::read_exactly(std::span<std::byte> into) {
  return detail::stream_core::wait_bytes(core_, into);
}
awaitable<result<void>> frame_stream::flush() { return detail::stream_core::wait_sent(core_); }
awaitable<result<void>> frame_stream::shutdown() { return detail::stream_core::shut(core_); }

void frame_stream::close() noexcept { core_->close(); }
void frame_stream::abort() noexcept { core_->abort(); }

const tcp_endpoint& frame_stream::remote_endpoint() const noexcept { return core_->peer(); }
std::size_t frame_stream::queued_bytes() const noexcept { return core_->queued(); }
executor frame_stream::get_executor() const noexcept { return core_->loop(); }

}  // namespace sluice
