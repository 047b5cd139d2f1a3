#include "net/visitors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace sluice::net {

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

visitors::place::place(visitors& of, int socket, base::caller_ptr who, std::string_view does)
    : of_(of),
      socket_(socket),
      who_(std::move(who)),
      does_(does),
      since_(std::chrono::system_clock::now()) {
  const std::lock_guard lock(of_.mutex_);
  of_.all_.push_back(*this);
}

visitors::place::~place() {
  const std::lock_guard lock(of_.mutex_);
  of_.all_.erase(of_.all_.iterator_to(*this));
}

void visitors::place::is(base::caller_ptr who) {
  const std::lock_guard lock(of_.mutex_);
  who_.swap(who);
}

visitors::those visitors::look(std::size_t most) const {
  those told;
  const std::lock_guard lock(mutex_);
  told.count = all_.size();
  told.some.reserve(std::min(most, told.count));
  for (const auto& each : all_) {
    if (told.some.size() == most) break;
    told.some.push_back({each.who_, std::string(each.does_), each.since_});
    count_bytes(each.socket_, told.some.back());
  }
  return told;
}

}  // namespace sluice::net
