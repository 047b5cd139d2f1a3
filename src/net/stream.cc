#include "net/stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "net/path_tuning.h"
#include "net/tls_link.h"

namespace sluice::net {
namespace {

constexpr std::size_t low_water_max = std::size_t{1} << 30;
constexpr int drops_in_a_turn = 256;  // then the others of the thread
constexpr std::uint64_t trusted_bytes = std::uint64_t{1} << 20;

bool would_block(int error_number) noexcept {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

iovec piece_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

// 0: nothing there now.
result<std::size_t> receive_plain(int fd, std::span<std::byte> into, int flags) {
  for (;;) {
    const auto got = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT | flags);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return fail(errc::end_of_stream);
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR) return fail_errno(errno, "receive");
  }
}

}  // namespace

stream::stream(tcp_socket socket) noexcept : socket_(std::move(socket)) {}
stream::stream(stream&& other) noexcept = default;
stream::~stream() = default;

void stream::start_tls(std::unique_ptr<tls_link> link) noexcept { tls_ = std::move(link); }

result<std::size_t> stream::receive(std::span<std::byte> into) {
  if (!socket_.is_open()) return fail(errc::cancelled, "receive");
  if (tls_) return tls_->receive(into);
  const auto got = receive_plain(socket_.native_handle(), into, 0);
  if (got) received_ += *got;
  return got;
}

result<std::optional<std::byte>> stream::peek() {
  if (!socket_.is_open()) return fail(errc::cancelled, "receive");
  if (tls_) return tls_->peek();
  std::array<std::byte, 1> next{};
  const auto got = receive_plain(socket_.native_handle(), next, MSG_PEEK);
  if (!got) return std::unexpected(got.error());
  return *got == 0 ? std::optional<std::byte>() : std::optional(next[0]);
}

result<std::size_t> stream::drop() {
  if (!socket_.is_open()) return fail(errc::cancelled, "receive");
  drops_ = true;
  std::array<std::byte, 4096> scrap{};
  std::size_t dropped = 0;
  for (int turns = 0; turns < drops_in_a_turn; ++turns) {
    const auto got = receive_plain(socket_.native_handle(), scrap, 0);
    if (!got) return got;
    if (*got == 0) break;
    received_ += *got;
    dropped += *got;
  }
  return dropped;
}

std::size_t stream::in_kernel() const noexcept {
  int queued = 0;
  if (::ioctl(socket_.native_handle(), FIONREAD, &queued) != 0) return 0;
  return static_cast<std::size_t>(queued);
}

std::size_t stream::here() const noexcept { return tls_ ? tls_->decrypted() : in_kernel(); }

bool stream::has_more() {
  if (here() > 0) return true;
  if (!tls_ || !socket_.is_open() || in_kernel() == 0) return false;
  const auto next = tls_->peek();
  return next && next->has_value();
}

bool stream::seems_here(std::size_t count) const noexcept {
  if (!tls_) return in_kernel() >= count;
  const std::size_t decrypted = tls_->decrypted();
  return decrypted >= count || in_kernel() >= tls_->on_the_wire(count - decrypted);
}

void stream::set_low_water(std::size_t count) noexcept {
  count = std::clamp<std::size_t>(count, 1, low_water_max);
  if (count == low_water_) return;
  const int value = static_cast<int>(count);
  // A refusal costs wake-ups, not correctness.
  if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value) == 0) {
    low_water_ = count;
  }
}

bool stream::begin_wait(std::size_t count) noexcept {
  if (tls_ && !drops_) {
    const std::size_t decrypted = tls_->decrypted();
    if (decrypted > 0 && decrypted >= count) return false;
    count = tls_->on_the_wire(std::max<std::size_t>(count, 1) - decrypted);
  }
  set_low_water(count);
  return true;
}

bool stream::peer_ended() {
  const auto next = peek();
  return !next && next.error().code != errc::cancelled;
}

std::uint64_t stream::arrived() const noexcept {
  return received_ + (tls_ ? tls_->received() : 0) + in_kernel();
}

result<std::size_t> stream::send(std::span<const std::byte> first,
                                 std::span<const std::byte> second, bool more) {
  return send(std::array{first, second}, more);
}

std::uint64_t stream::all_sent() const noexcept { return sent_ + (tls_ ? tls_->sent() : 0); }

// Who took so much is no slow one, or has the bytes in its own memory.
void stream::trust_who_takes() noexcept {
  if (is_trusted_ || all_sent() < trusted_bytes) return;
  is_trusted_ = true;
  lift_limit_of_unsent(socket_);
}

result<std::size_t> stream::send(byte_pieces pieces, bool more) {
  if (!socket_.is_open()) return fail(errc::cancelled, "send");
  trust_who_takes();
  if (tls_) return tls_->send(pieces, more);
  std::array<iovec, pieces_max> all{};
  std::ranges::transform(pieces, all.begin(), piece_of);
  msghdr message{};
  message.msg_iov = all.data();
  message.msg_iovlen = pieces.size();
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  for (;;) {
    const auto count = ::sendmsg(socket_.native_handle(), &message, flags);
    if (count >= 0) {
      sent_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR) return fail_errno(errno, "send");
  }
}

result<std::size_t> stream::send_file(int fd, std::uint64_t offset, std::uint64_t size_bytes) {
  if (!socket_.is_open()) return fail(errc::cancelled, "send from a file");
  trust_who_takes();
  if (tls_) return tls_->send_file(fd, offset, size_bytes);
  for (;;) {
    auto at = static_cast<off_t>(offset);
    const auto count = ::sendfile(socket_.native_handle(), fd, &at, size_bytes);
    if (count > 0) {
      sent_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (count == 0) return fail(errc::changed, "a file became shorter while it was sent");
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR) return fail_errno(errno, "send from a file");
  }
}

std::uint64_t stream::delivered() const noexcept {
  int queued = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &queued) != 0) queued = 0;
  const std::uint64_t sent = all_sent();
  return sent - std::min(sent, static_cast<std::uint64_t>(queued));
}

void stream::close_notify() noexcept {
  if (tls_ && socket_.is_open()) tls_->close_notify();
}

void stream::end_sending() noexcept {
  close_notify();
  boost::system::error_code ignored;
  socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

void stream::cancel() noexcept {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void stream::cut() noexcept {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  socket_.shutdown(tcp_socket::shutdown_both, ignored);
}

void stream::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace sluice::net
