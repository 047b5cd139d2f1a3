#include "net/message_writer.h"

#include <algorithm>

namespace sluice::net {
namespace {

// Who waits for room is woken as often as so much was sent.
constexpr std::size_t room_step_bytes = std::size_t{1} << 20;
// Control frames are gathered into one piece of at most about this size.
constexpr std::size_t gather_bytes = 64 * 1024;

}  // namespace

message_writer::message_writer(stream& to) : stream_(to), changed_(to.get_executor()) {}

// The vector that frames may be appended to.
std::vector<std::byte>& message_writer::tail(std::size_t more) {
  const bool fresh = queue_.empty() || queue_.back().has_payload() ||
                     (queue_.size() == 1 && sending_front_) ||
                     queue_.back().bytes.size() + more > gather_bytes;
  if (fresh) queue_.emplace_back();
  return queue_.back().bytes;
}

void message_writer::added(std::size_t bytes) {
  const bool was_idle = queued_ == 0;
  queued_ += bytes;
  if (was_idle) changed_.notify_all();
}

void message_writer::send(wire::kind kind, std::uint32_t request, std::uint8_t flags,
                          const google::protobuf::MessageLite& message) {
  if (failure_) return;
  auto& out = tail(message.ByteSizeLong() + wire::head_bytes);
  const std::size_t before = out.size();
  if (const auto made = wire::append_message(out, kind, request, flags, message); !made) {
    return abort(made.error());
  }
  added(out.size() - before);
}

void message_writer::send_bytes(std::span<const std::byte> frames) {
  if (failure_ || frames.empty()) return;
  auto& out = tail(frames.size());
  out.insert(out.end(), frames.begin(), frames.end());
  added(frames.size());
}

void message_writer::send_block(std::uint32_t request, const wire::block_head& head,
                                memory_piece payload) {
  if (failure_) return;
  const auto bytes = wire::encode_block_frame_head(
      request, wire::no_flags, head, static_cast<std::uint32_t>(payload.bytes.size()));
  if (!bytes) return abort(bytes.error());
  auto& out = tail(bytes->size());
  out.insert(out.end(), bytes->begin(), bytes->end());
  const std::size_t payload_bytes = payload.bytes.size();
  if (payload_bytes + out.size() <= gather_bytes) {  // cheaper to copy than to gather
    out.insert(out.end(), payload.bytes.begin(), payload.bytes.end());
  } else {
    queue_.back().memory = std::move(payload);
  }
  added(bytes->size() + payload_bytes);
}

void message_writer::send_block(std::uint32_t request, const wire::block_head& head,
                                file_piece payload) {
  if (failure_) return;
  const auto bytes = wire::encode_block_frame_head(request, wire::no_flags, head,
                                                   static_cast<std::uint32_t>(payload.bytes));
  if (!bytes) return abort(bytes.error());
  auto& out = tail(bytes->size());
  out.insert(out.end(), bytes->begin(), bytes->end());
  const std::size_t payload_bytes = payload.bytes;
  queue_.back().file = std::move(payload);
  added(bytes->size() + payload_bytes);
}

void message_writer::send_frames(std::vector<std::byte> frames) {
  if (failure_ || frames.empty()) return;
  const std::size_t bytes = frames.size();
  queue_.emplace_back().bytes = std::move(frames);
  added(bytes);
}

awaitable<result<void>> message_writer::room(std::size_t high_water_bytes) {
  while (!failure_ && queued_ >= high_water_bytes) co_await changed_.wait();
  if (failure_) co_return std::unexpected(*failure_);
  co_return result<void>{};
}

awaitable<result<void>> message_writer::drained() {
  while (!failure_ && queued_ > 0) co_await changed_.wait();
  if (failure_) co_return std::unexpected(*failure_);
  co_return result<void>{};
}

void message_writer::close() {
  closed_ = true;
  changed_.notify_all();
}

void message_writer::abort(error why) {
  if (!failure_) failure_ = std::move(why);
  changed_.notify_all();
}

awaitable<void> message_writer::run() {
  for (;;) {
    while (!failure_ && !closed_ && queue_.empty()) co_await changed_.wait();
    if (failure_ || queue_.empty()) break;
    sending_front_ = true;
    auto sent = co_await send_front();
    sending_front_ = false;
    if (!sent) {
      abort(std::move(sent.error()));
      break;
    }
    queue_.pop_front();
  }
  queue_.clear();
  queued_ = 0;
  changed_.notify_all();
}

// 0: the kernel has no room.
result<std::size_t> message_writer::send_memory(item& front) {
  const auto frames = std::span<const std::byte>(front.bytes).subspan(front.bytes_sent);
  const auto sent = stream_.send(frames, front.memory.bytes, front.file.bytes > 0);
  if (!sent) return sent;
  const std::size_t of_frames = std::min(*sent, frames.size());
  front.bytes_sent += of_frames;
  front.memory.bytes = front.memory.bytes.subspan(*sent - of_frames);
  return sent;
}

result<std::size_t> message_writer::send_file(item& front) {
  const auto sent = stream_.send_file(front.file.fd, front.file.offset, front.file.bytes);
  if (!sent) return sent;
  front.file.offset += *sent;
  front.file.bytes -= *sent;
  return sent;
}

awaitable<result<void>> message_writer::send_front() {
  item& front = queue_.front();
  while (!failure_) {
    const bool in_memory = front.bytes_sent < front.bytes.size() || !front.memory.bytes.empty();
    if (!in_memory && front.file.bytes == 0) co_return result<void>{};
    const auto sent = in_memory ? send_memory(front) : send_file(front);
    if (!sent) co_return std::unexpected(sent.error());
    if (*sent > 0) {
      const std::size_t before = queued_;
      sent_ += *sent;
      queued_ -= *sent;
      if (queued_ == 0 || before / room_step_bytes != queued_ / room_step_bytes) {
        changed_.notify_all();
      }
      continue;
    }
    auto [failed] = co_await stream_.writable();
    if (failed) co_return fail(errc::cancelled, "wait to send");
  }
  co_return std::unexpected(*failure_);
}

}  // namespace sluice::net
