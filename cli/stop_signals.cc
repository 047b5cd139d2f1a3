#include "cli/stop_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "cli/exit_code.h"

namespace sluice::cli {

namespace {

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

stop_signals::stop_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM}) {
    if (!is_ignored(signal)) ::sigaddset(&watched, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &watched, &before_);
  signals_ = base::unique_fd(::signalfd(-1, &watched, SFD_CLOEXEC));
  end_ = base::unique_fd(::eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !end_) throw std::runtime_error("no descriptor is left to watch for signals");
  watcher_ = std::thread([this] { watch(); });
}

stop_signals::~stop_signals() {
  const std::uint64_t one = 1;
  while (::write(end_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  watcher_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void stop_signals::watch() {
  std::array<pollfd, 2> waits{{{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) continue;
    if (stop_.stop_requested()) ::_exit(exit_interrupted);
    stop_.request_stop();
  }
}

}  // namespace sluice::cli
