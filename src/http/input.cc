#include "http/input.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::http {
namespace {

constexpr std::size_t first_buffer_bytes = 2 * 1024;

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

result<std::size_t> input::receive_to(void* into, std::size_t count) {
  if (!socket_.is_open()) return fail(errc::cancelled, "receive");
  for (;;) {
    const auto got = ::recv(socket_.native_handle(), into, count, MSG_DONTWAIT);
    if (got > 0) {
      received_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
    if (got == 0) return fail(errc::end_of_stream);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    if (errno != EINTR) return fail_errno(errno, "receive");
  }
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

result<std::size_t> input::receive(std::size_t most) {
  make_room(most);
  if (end_ >= std::min(capacity_, most)) return fail(errc::internal, "the buffer is full");
  const auto got = receive_to(buffer_.get() + end_, std::min(capacity_, most) - end_);
  if (got) end_ += *got;
  return got;
}

result<std::size_t> input::receive(std::span<std::byte> into) {
  return receive_to(into.data(), into.size());
}

void input::set_low_water(std::size_t count) noexcept {
  if (count == low_water_) return;
  const int value = static_cast<int>(count);
  // A refusal costs wake-ups, not correctness.
  if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value) == 0) {
    low_water_ = count;
  }
}

void input::begin_wait(std::size_t low_water) noexcept {
  if (begin_ == end_) {
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  set_low_water(std::clamp<std::size_t>(low_water, 1, std::size_t{1} << 30));
  waiting_ = true;
}

awaitable<result<void>> input::wait(std::size_t low_water) {
  begin_wait(low_water);
  auto [failed] = co_await socket_.async_wait(tcp_socket::wait_read, as_tuple);
  end_wait();
  if (failed) co_return fail(errc::cancelled, "wait for the peer");
  co_return result<void>{};
}

bool input::peer_ended() const noexcept {
  char next = 0;
  return ::recv(socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

std::size_t input::held_by_kernel() const noexcept {
  int queued = 0;
  if (::ioctl(socket_.native_handle(), FIONREAD, &queued) != 0) return 0;
  return static_cast<std::size_t>(queued);
}

std::uint64_t input::arrived() const noexcept { return received_ + held_by_kernel(); }

}  // namespace sluice::http
