#include "http/input.h"

#include <algorithm>
#include <cstring>

namespace sluice::http {
namespace {

constexpr std::size_t first_buffer_bytes = 2 * 1024;
constexpr std::size_t gathered_bytes_max = std::size_t{64} * 1024;

}  // namespace

void input::consume(std::size_t count) noexcept {
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::size_t input::take_buffered(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min(into.size(), end_ - begin_);
  if (count == 0) return 0;
  std::memcpy(into.data(), buffer_.get() + begin_, count);
  consume(count);
  return count;
}

// Doubles what has arrived; never reserves what was announced.
void input::make_room(std::size_t most) {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ < capacity_) return;
  const std::size_t wanted = std::min(std::max(first_buffer_bytes, 2 * capacity_), most);
  if (wanted <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<char[]>(wanted);
  if (end_ > 0) std::memcpy(larger.get(), buffer_.get(), end_);
  buffer_ = std::move(larger);
  capacity_ = wanted;
}

// Empty where the buffer holds as much as it may.
std::span<std::byte> input::room_for(std::size_t most) {
  make_room(most);
  const std::size_t all = std::max(end_, std::min(capacity_, most));
  return std::as_writable_bytes(std::span(buffer_.get(), all)).subspan(end_);
}

result<std::size_t> input::receive(std::size_t most) {
  const auto into = room_for(most);
  if (into.empty()) return fail(errc::internal, "the buffer is full");
  const auto got = receive(into);
  if (got) end_ += *got;
  return got;
}

void input::end_receive(std::size_t bytes) noexcept {
  waiting_ = false;
  stream_.count_received(bytes);
  received_ += bytes;
  end_ += bytes;
}

result<std::size_t> input::receive(std::span<std::byte> into) {
  const auto got = stream_.receive(into);
  if (got) received_ += *got;
  return got;
}

std::size_t input::here(std::size_t count) {
  const std::size_t gathered = std::min(count, gathered_bytes_max);
  while (stream_.is_tls() && count <= gathered_bytes_max && buffered().size() < gathered) {
    const auto got = receive(gathered);
    if (!got || *got == 0) break;  // what failed fails again where it is taken
  }
  return std::min(count, buffered().size() + stream_.here());
}

bool input::begin_wait(std::size_t count) noexcept {
  if (begin_ == end_) {
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  if (!stream_.begin_wait(count)) return false;
  waiting_ = true;
  return true;
}

awaitable<result<void>> input::wait(std::size_t count) {
  if (!begin_wait(count)) co_return result<void>{};
  auto [failed] = co_await stream_.readable();
  end_wait();
  if (failed) co_return fail(errc::cancelled, "wait for the peer");
  co_return result<void>{};
}

}  // namespace sluice::http
