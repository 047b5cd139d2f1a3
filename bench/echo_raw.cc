#include "echo_raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t payload_bytes = 64;
constexpr std::size_t frame_bytes = 4 + payload_bytes;
constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

int checked(int outcome, const char* what) {
  if (outcome < 0) {
    std::perror(what);
    std::exit(1);
  }
  return outcome;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_now(int socket) {
  const int on = 1;
  checked(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

struct connection {
  int socket = -1;
  std::size_t kept = 0;  // bytes of an unfinished frame at the front of `in`
  std::vector<char> in = std::vector<char>(buffer_bytes);
  std::vector<char> out;  // what the socket did not take
};

void watch(int epoll, int socket, std::uint32_t events, void* what, int operation = EPOLL_CTL_ADD) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = what;
  checked(epoll_ctl(epoll, operation, socket, &event), "epoll_ctl");
}

// Sends all or keeps the rest in `out`; false when the peer is gone.
bool send_or_keep(connection& peer, const char* data, std::size_t size) {
  if (peer.out.empty()) {
    const ssize_t taken = send(peer.socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && errno != EAGAIN) return false;
    data += taken > 0 ? taken : 0;
    size -= taken > 0 ? static_cast<std::size_t>(taken) : 0;
  }
  peer.out.insert(peer.out.end(), data, data + size);
  return true;
}

// One turn of the echo: receive, find the end of the last whole frame, copy each to the reply.
bool serve(connection& peer, std::vector<char>& reply) {
  const ssize_t got =
      recv(peer.socket, peer.in.data() + peer.kept, peer.in.size() - peer.kept, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN;
  if (got == 0) return false;
  const std::size_t filled = peer.kept + static_cast<std::size_t>(got);
  std::size_t at = 0;
  reply.clear();
  while (filled - at >= 4) {
    std::uint32_t length = 0;
    std::memcpy(&length, peer.in.data() + at, 4);
    const std::size_t whole = 4 + ntohl(length);
    if (filled - at < whole) break;
    reply.insert(reply.end(), peer.in.data() + at, peer.in.data() + at + whole);
    at += whole;
  }
  peer.kept = filled - at;
  if (peer.kept != 0) std::memmove(peer.in.data(), peer.in.data() + at, peer.kept);
  return reply.empty() || send_or_keep(peer, reply.data(), reply.size());
}

bool send_kept(connection& peer) {
  const std::vector<char> rest = std::exchange(peer.out, {});
  return send_or_keep(peer, rest.data(), rest.size());
}

}  // namespace

raw_echo_server::raw_echo_server()
    : epoll_(checked(epoll_create1(0), "epoll_create1")),
      listener_(checked(socket(AF_INET, SOCK_STREAM, 0), "socket")),
      stop_(checked(eventfd(0, 0), "eventfd")) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  checked(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), "bind");
  checked(listen(listener_, 1024), "listen");
  checked(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  port_ = ntohs(address.sin_port);
  watch(epoll_, listener_, EPOLLIN, &listener_);
  watch(epoll_, stop_, EPOLLIN, &stop_);
}

raw_echo_server::~raw_echo_server() {
  for (const int descriptor : {epoll_, listener_, stop_}) close(descriptor);
}

void raw_echo_server::stop() {
  const std::uint64_t one = 1;
  checked(static_cast<int>(write(stop_, &one, sizeof one)), "stop");
}

void raw_echo_server::run() {
  std::vector<std::unique_ptr<connection>> peers;
  std::vector<char> reply;
  std::array<epoll_event, 128> events{};
  for (;;) {
    const int ready = epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      void* const what = events[static_cast<std::size_t>(i)].data.ptr;
      if (what == &stop_) {
        for (const auto& peer : peers) close(peer->socket);
        return;
      }
      if (what == &listener_) {
        auto peer = std::make_unique<connection>();
        peer->socket = checked(accept(listener_, nullptr, nullptr), "accept");
        send_now(peer->socket);
        watch(epoll_, peer->socket, EPOLLIN, peer.get());
        peers.push_back(std::move(peer));
        continue;
      }
      connection& peer = *static_cast<connection*>(what);
      const bool waited = !peer.out.empty();
      const bool alive = waited ? send_kept(peer) : serve(peer, reply);
      if (!alive) {
        watch(epoll_, peer.socket, 0, nullptr, EPOLL_CTL_DEL);
      } else if (waited == peer.out.empty()) {
        watch(epoll_, peer.socket, peer.out.empty() ? EPOLLIN : EPOLLOUT, &peer, EPOLL_CTL_MOD);
      }
    }
  }
}

double run_echo_client(std::uint16_t port, const echo_load& load) {
  using clock = std::chrono::steady_clock;
  const int epoll = checked(epoll_create1(0), "epoll_create1");
  std::vector<char> batch;
  for (int i = 0; i < load.depth; ++i) {
    const std::uint32_t length = htonl(payload_bytes);
    batch.insert(batch.end(), reinterpret_cast<const char*>(&length),
                 reinterpret_cast<const char*>(&length) + 4);
    batch.insert(batch.end(), payload_bytes, static_cast<char>('a' + i % 26));
  }
  std::vector<connection> peers(static_cast<std::size_t>(load.connections));
  for (connection& peer : peers) {
    peer.socket = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
    const sockaddr_in address = loopback(port);
    checked(connect(peer.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address),
            "connect");
    send_now(peer.socket);
    watch(epoll, peer.socket, EPOLLIN, &peer);
  }
  const auto start = clock::now();
  for (connection& peer : peers) send_or_keep(peer, batch.data(), batch.size());

  std::uint64_t frames = 0;
  std::array<epoll_event, 128> events{};
  while (clock::now() - start < load.duration) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), 1000);
    if (ready == 0) checked(-1, "the server is silent");
    for (int i = 0; i < ready; ++i) {
      connection& peer = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = recv(peer.socket, peer.in.data(), peer.in.size(), MSG_DONTWAIT);
      checked(got > 0 ? 0 : -1, "the server left");
      // Every whole frame that came back goes out again: `depth` stay on their way.
      peer.kept += static_cast<std::size_t>(got);
      const std::size_t whole = peer.kept / frame_bytes;
      peer.kept %= frame_bytes;
      frames += whole;
      if (whole != 0) send_or_keep(peer, batch.data(), whole * frame_bytes);
      checked(peer.out.empty() ? 0 : -1, "the server takes nothing");
    }
  }
  const std::chrono::duration<double> took = clock::now() - start;
  for (const connection& peer : peers) close(peer.socket);
  close(epoll);
  return static_cast<double>(frames) / took.count();
}
