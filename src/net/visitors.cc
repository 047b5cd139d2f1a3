#include "net/visitors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace sluice::net {

struct visitor {
  int socket = -1;
  base::caller_ptr who;
  std::string_view does;
  std::chrono::system_clock::time_point since;
};

namespace {

// The kernel's tcp_info (linux/tcp.h), which is longer than that of Debian's C library.
struct long_tcp_info {
  std::array<std::byte, 120> other;
  std::uint64_t bytes_acked;
  std::uint64_t bytes_received;
};

void count_bytes(int socket, visitors::facts& into) {
  long_tcp_info told{};
  socklen_t size = sizeof(told);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &told, &size) != 0) return;
  into.received_bytes = told.bytes_received;
  into.sent_bytes = told.bytes_acked;
}

}  // namespace

visitors::visitors() = default;
visitors::~visitors() = default;

visitors::place::place(visitors& of, int socket, base::caller_ptr who, std::string_view does)
    : of_(of) {
  std::list<visitor> come;  // made without the lock
  come.push_back({socket, std::move(who), does, std::chrono::system_clock::now()});
  here_ = come.begin();
  const std::lock_guard lock(of_.mutex_);
  of_.all_.splice(of_.all_.end(), come);
}

visitors::place::~place() {
  std::list<visitor> gone;  // after the lock
  const std::lock_guard lock(of_.mutex_);
  gone.splice(gone.end(), of_.all_, here_);
}

void visitors::place::is(base::caller_ptr who) {
  const std::lock_guard lock(of_.mutex_);
  here_->who.swap(who);
}

visitors::those visitors::look(std::size_t most) const {
  those told;
  const std::lock_guard lock(mutex_);
  told.count = all_.size();
  told.some.reserve(std::min(most, told.count));
  for (const auto& each : all_) {
    if (told.some.size() == most) break;
    told.some.push_back({each.who, std::string(each.does), each.since});
    count_bytes(each.socket, told.some.back());
  }
  return told;
}

}  // namespace sluice::net
