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
  if (failed) co_return fail(errc::cancelled, "wait to send");
  co_return result<void>{};
}

awaitable<result<void>> output::send(std::string_view head, std::span<const std::byte> body,
                                     bool more) {
  while (!head.empty() || !body.empty()) {
    if (!socket_.is_open()) co_return fail(errc::cancelled, "send");
    std::array<iovec, 2> pieces{iovec{const_cast<char*>(head.data()), head.size()},
                                iovec{const_cast<std::byte*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const auto count = ::sendmsg(socket_.native_handle(), &message,
                                 MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (count >= 0) {
      sent_ += static_cast<std::uint64_t>(count);
      const std::size_t of_head = std::min(head.size(), static_cast<std::size_t>(count));
      head.remove_prefix(of_head);
      body = body.subspan(static_cast<std::size_t>(count) - of_head);
    } else if (would_block(errno)) {
      auto ready = co_await wait();
      if (!ready) co_return ready;
    } else if (errno != EINTR) {
      co_return fail_errno(errno, "send");
    }
  }
  co_return result<void>{};
}

awaitable<result<void>> output::send_file(int fd, std::uint64_t offset, std::uint64_t size_bytes) {
  std::uint64_t in_turn = 0;
  while (size_bytes > 0) {
    if (!socket_.is_open()) co_return fail(errc::cancelled, "send from a file");
    auto at = static_cast<off_t>(offset);
    const auto count = ::sendfile(socket_.native_handle(), fd, &at, size_bytes);
    if (count > 0) {
      sent_ += static_cast<std::uint64_t>(count);
      offset += static_cast<std::uint64_t>(count);
      size_bytes -= static_cast<std::uint64_t>(count);
      in_turn += static_cast<std::uint64_t>(count);
      if (in_turn < bytes_per_turn) continue;
      in_turn = 0;
    } else if (count == 0) {
      co_return fail(errc::changed, "a file became shorter while it was sent");
    } else if (errno == EINTR) {
      continue;
    } else if (!would_block(errno)) {
      co_return fail_errno(errno, "send from a file");
    }
    auto ready = co_await wait();
    if (!ready) co_return ready;
  }
  co_return result<void>{};
}

void output::try_send(std::string_view text) noexcept {
  if (!socket_.is_open()) return;
  const auto count =
      ::send(socket_.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count > 0) sent_ += static_cast<std::uint64_t>(count);
}

std::uint64_t output::delivered() const noexcept {
  int queued = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &queued) != 0) queued = 0;
  return sent_ - std::min(sent_, static_cast<std::uint64_t>(queued));
}

}  // namespace sluice::http
