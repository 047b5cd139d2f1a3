#include "http/output.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::http {
namespace {

// Other connections of the thread come to their turn after so much of a fast one.
constexpr std::uint64_t bytes_per_turn = std::uint64_t{8} << 20;

bool would_block(int error_number) noexcept {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

}  // namespace

awaitable<result<void>> output::wait() {
  waiting_ = true;
  auto [failed] = co_await socket_.async_wait(tcp_socket::wait_write, as_tuple);
  waiting_ = false;
  in_turn_ = 0;
  if (failed) co_return fail(errc::cancelled, "wait to send");
  co_return result<void>{};
}

result<std::size_t> output::try_send(std::string_view head, std::span<const std::byte> body,
                                     bool more) {
  if (!socket_.is_open()) return fail(errc::cancelled, "send");
  std::array<iovec, 2> pieces{iovec{const_cast<char*>(head.data()), head.size()},
                              iovec{const_cast<std::byte*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const auto count = ::sendmsg(socket_.native_handle(), &message,
                                 MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (count >= 0) {
      sent_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR) return fail_errno(errno, "send");
  }
}

awaitable<result<void>> output::send(std::string_view head, std::span<const std::byte> body,
                                     bool more) {
  while (!head.empty() || !body.empty()) {
    const auto count = try_send(head, body, more);
    if (!count) co_return std::unexpected(count.error());
    const std::size_t of_head = std::min(head.size(), *count);
    head.remove_prefix(of_head);
    body = body.subspan(*count - of_head);
    if (*count > 0) continue;
    auto ready = co_await wait();
    if (!ready) co_return ready;
  }
  co_return result<void>{};
}

result<std::uint64_t> output::try_send_file(int fd, std::uint64_t offset,
                                            std::uint64_t size_bytes) {
  if (!socket_.is_open()) return fail(errc::cancelled, "send from a file");
  const std::uint64_t most = std::min(size_bytes, bytes_per_turn - in_turn_);
  std::uint64_t done = 0;
  while (done < most) {
    auto at = static_cast<off_t>(offset + done);
    const auto count = ::sendfile(socket_.native_handle(), fd, &at, most - done);
    if (count > 0) {
      sent_ += static_cast<std::uint64_t>(count);
      done += static_cast<std::uint64_t>(count);
      in_turn_ += static_cast<std::uint64_t>(count);
    } else if (count == 0) {
      return fail(errc::changed, "a file became shorter while it was sent");
    } else if (would_block(errno)) {
      break;
    } else if (errno != EINTR) {
      return fail_errno(errno, "send from a file");
    }
  }
  return done;
}

awaitable<result<void>> output::send_file(int fd, std::uint64_t offset, std::uint64_t size_bytes) {
  while (size_bytes > 0) {
    const auto count = try_send_file(fd, offset, size_bytes);
    if (!count) co_return std::unexpected(count.error());
    offset += *count;
    size_bytes -= *count;
    if (size_bytes == 0) break;
    auto ready = co_await wait();
    if (!ready) co_return ready;
  }
  co_return result<void>{};
}

std::uint64_t output::delivered() const noexcept {
  int queued = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &queued) != 0) queued = 0;
  return sent_ - std::min(sent_, static_cast<std::uint64_t>(queued));
}

}  // namespace sluice::http
