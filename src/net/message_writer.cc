#include "net/message_writer.h"

#include <algorithm>
#include <array>

namespace sluice::net {
namespace {

// Who waits for room is woken as often as so much was sent.
constexpr std::size_t room_step_bytes = std::size_t{1} << 20;
// Control frames are gathered into one piece of at most about this size.
constexpr std::size_t gather_bytes = 64 * 1024;
// Payloads up to this size are cheaper to copy than to keep and to send from where they are.
constexpr std::size_t copied_bytes_max = 2048;

}  // namespace

message_writer::message_writer(stream& to)
    : stream_(to), changed_(to.get_executor()), pace_(to.get_executor()) {}

// The vector that frames may be appended to.
std::vector<std::byte>& message_writer::tail(std::size_t more) {
  const bool fresh = queue_.empty() || queue_.back().with_payload ||
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
  if (payload_bytes <= copied_bytes_max && payload_bytes + out.size() <= gather_bytes) {
    out.insert(out.end(), payload.bytes.begin(), payload.bytes.end());
  } else {
    queue_.back().memory = std::move(payload);
    queue_.back().with_payload = true;
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
  queue_.back().with_payload = true;
  added(bytes->size() + payload_bytes);
}

void message_writer::send_frames(std::vector<std::byte> frames) {
  if (failure_ || frames.empty()) return;
  const std::size_t bytes = frames.size();
  queue_.emplace_back().bytes = std::move(frames);
  added(bytes);
}

void message_writer::send_frames(memory_piece frames) {
  if (failure_ || frames.bytes.empty()) return;
  const std::size_t bytes = frames.bytes.size();
  auto& last = queue_.emplace_back();
  last.memory = std::move(frames);
  last.with_payload = true;
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
  pace_.end();
  changed_.notify_all();
}

awaitable<void> message_writer::run() {
  for (;;) {
    while (!failure_ && !closed_ && queue_.empty()) co_await changed_.wait();
    if (failure_ || queue_.empty()) break;
    auto sent = co_await send_queued();
    if (!sent) {
      abort(std::move(sent.error()));
      break;
    }
  }
  queue_.clear();
  queued_ = 0;
  changed_.notify_all();
}

awaitable<result<void>> message_writer::send_queued() {
  while (!failure_ && !queue_.empty()) {
    const auto sent = send_some();
    if (!sent) co_return std::unexpected(sent.error());
    if (*sent > 0) {
      const std::size_t before = queued_;
      sent_ += *sent;
      queued_ -= *sent;
      if (queued_ == 0 || before / room_step_bytes != queued_ / room_step_bytes) {
        changed_.notify_all();
      }
      pace_.passed(*sent);
      if (pace_.is_due()) co_await pace_.rest();
      continue;
    }
    auto [failed] = co_await stream_.writable();
    if (failed) co_return fail(errc::cancelled, "wait to send");
  }
  if (failure_) co_return std::unexpected(*failure_);
  co_return result<void>{};
}

// 0: the kernel has no room.
result<std::size_t> message_writer::send_some() {
  item& front = queue_.front();
  const bool in_memory = front.bytes_sent < front.bytes.size() || !front.memory.bytes.empty();
  const auto sent = in_memory ? send_memory() : send_file(front);
  while (!queue_.empty() && queue_.front().is_sent()) queue_.pop_front();
  return sent;
}

// Leaves as much of the pieces as one step of the pace takes; whether there was more.
bool message_writer::cut_to_step(std::span<std::span<const std::byte>> pieces, std::size_t& count) {
  std::size_t left = pace::step_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    if (pieces[i].size() > left) {
      pieces[i] = pieces[i].first(left);
      count = i + 1;
      return true;
    }
    left -= pieces[i].size();
  }
  return false;
}

// As much of the queue as one call takes: up to what lies in a file.
result<std::size_t> message_writer::send_memory() {
  std::array<std::span<const std::byte>, stream::pieces_max> pieces;
  std::size_t count = 0;
  bool more = false;
  for (const item& next : queue_) {
    more = count + 2 > pieces.size();
    if (more) break;
    pieces[count++] = std::span<const std::byte>(next.bytes).subspan(next.bytes_sent);
    if (!next.memory.bytes.empty()) pieces[count++] = next.memory.bytes;
    more = next.file.bytes > 0;
    if (more) break;
  }
  if (pace_.is_on()) more = cut_to_step(pieces, count) || more;
  const auto sent = stream_.send(std::span(pieces).first(count), more);
  if (sent) advance(*sent);
  return sent;
}

void message_writer::advance(std::size_t sent) {
  for (auto next = queue_.begin(); sent > 0; ++next) {
    const std::size_t of_frames = std::min(sent, next->bytes.size() - next->bytes_sent);
    const std::size_t of_memory = std::min(sent - of_frames, next->memory.bytes.size());
    next->bytes_sent += of_frames;
    next->memory.bytes = next->memory.bytes.subspan(of_memory);
    sent -= of_frames + of_memory;
  }
}

result<std::size_t> message_writer::send_file(item& front) {
  const auto sent =
      stream_.send_file(front.file.fd, front.file.offset, pace_.step(front.file.bytes));
  if (!sent) return sent;
  front.file.offset += *sent;
  front.file.bytes -= *sent;
  return sent;
}

}  // namespace sluice::net
