#include "frame/stream_poll.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "frame/stream_core.h"

namespace sluice::detail {

namespace {

// EPOLLPRI: receiving stops at urgent data, with more behind it.
constexpr std::uint32_t incoming = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

int control(int epoll, int operation, int socket, std::uint32_t events,
            stream_core& stream) noexcept {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &stream;
  return ::epoll_ctl(epoll, operation, socket, &wanted) == 0 ? 0 : errno;
}

}  // namespace

// Not in the constructor: a system that has no descriptor left now may have one for a later stream.
int stream_poll::open() noexcept {
  if (epoll_.is_open()) return 0;
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) return errno;
  boost::system::error_code failed;
  epoll_.assign(made, failed);
  if (failed) ::close(made);
  return failed.value();
}

int stream_poll::add(int socket, stream_core& stream) {
  if (const int why = open(); why != 0) return why;
  streams_.insert(&stream);
  return control(epoll_.native_handle(), EPOLL_CTL_ADD, socket, incoming, stream);
}

// Closing alone would not do: a copy of the descriptor, in a child process, would keep it there.
void stream_poll::remove(int socket, stream_core& stream) noexcept {
  if (streams_.erase(&stream) != 0)
    (void)control(epoll_.native_handle(), EPOLL_CTL_DEL, socket, 0, stream);
}

void stream_poll::tell_again(int socket, stream_core& stream, bool room) noexcept {
  const std::uint32_t wanted = room ? incoming | EPOLLOUT : incoming;
  (void)control(epoll_.native_handle(), EPOLL_CTL_MOD, socket, wanted, stream);
}

void stream_poll::begin_wait() {
  ++waits_;
  if (!armed_) arm();
}

void stream_poll::end_wait() noexcept {
  --waits_;
  if (waits_ != 0 || !armed_) return;
  boost::system::error_code ignored;
  epoll_.cancel(ignored);
}

void stream_poll::arm() {
  armed_ = true;
  epoll_.async_wait(asio::posix::descriptor_base::wait_read,
                    [this](const boost::system::error_code&) { turn(); });
}

// An event may be for a stream that is gone since, or for a new one at its address, which then
// looks in vain.
void stream_poll::turn() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel fills what is looked at
  std::array<epoll_event, at_a_time> events;
  const int ready = ::epoll_wait(epoll_.native_handle(), events.data(), at_a_time, 0);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto stream = streams_.find(static_cast<stream_core*>(event.data.ptr));
    if (stream != streams_.end()) (*stream)->on_events(event.events);
  }
  armed_ = false;
  if (waits_ != 0) arm();
}

void stream_poll::shutdown() noexcept {
  for (stream_core* const stream : streams_) stream->abandon();
}

}  // namespace sluice::detail
