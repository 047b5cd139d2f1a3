#include "client/output_pipe.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sluice::client {
namespace {

constexpr int poll_ms = 100;  // how soon a stop is seen while nobody reads the pipe

}  // namespace

result<void> write_out(int fd, std::span<const std::byte> bytes, const session& owner) {
  while (!bytes.empty()) {
    pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
    const int found = ::poll(&ready, 1, poll_ms);
    if (owner.stopping()) return fail(errc::cancelled, "write to the output");
    if (found == 0 || (found < 0 && errno == EINTR)) continue;
    // Not more than a pipe surely takes at once: a blocking write could not be stopped.
    const auto put = ::write(fd, bytes.data(), std::min(bytes.size(), std::size_t{64} << 10));
    if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (put < 0) return fail_errno(errno, "write to the output");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace sluice::client
