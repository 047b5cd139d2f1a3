#include "frame/stream_service.h"

#include <boost/asio/defer.hpp>
#include <utility>

#include "frame/stream_core.h"

namespace sluice::detail {

namespace {

constexpr std::size_t kept = 8;  // spare buffers of each kind

}  // namespace

stream_service::slab stream_service::take_slab() {
  if (slabs_.empty()) return std::make_unique_for_overwrite<std::byte[]>(slab_bytes);
  slab taken = std::move(slabs_.back());
  slabs_.pop_back();
  return taken;
}

void stream_service::give_slab(slab spent) noexcept {
  if (slabs_.capacity() == 0) slabs_.reserve(kept);
  if (slabs_.size() < kept) slabs_.push_back(std::move(spent));
}

byte_queue stream_service::take_queue() noexcept {
  if (queues_.empty()) return {};
  byte_queue taken = std::move(queues_.back());
  queues_.pop_back();
  return taken;
}

void stream_service::give_queue(byte_queue spent) noexcept {
  if (queues_.capacity() == 0) queues_.reserve(kept);
  if (queues_.size() == kept || spent.capacity() > 2 * slab_bytes) return;
  spent.clear();
  queues_.push_back(std::move(spent));
}

void stream_service::flush_soon(std::shared_ptr<stream_core> stream, const executor& loop) {
  if (!in_turn_ && due_.empty()) asio::defer(loop, [this] { flush_all(); });
  due_.push_back(std::move(stream));
}

void stream_service::flush_all() noexcept {
  for (const auto& stream : due_) stream->flush_now();  // wakes others only through the loop
  due_.clear();
}

void stream_service::shutdown() {
  down_ = true;
  due_.clear();
  poll_.shutdown();
}

}  // namespace sluice::detail
