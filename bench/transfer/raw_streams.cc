#include "raw_streams.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace raw {
namespace {

// One recv takes at most this much: more misses the processor's cache.
constexpr std::size_t recv_bytes = std::size_t{256} << 10;

sockaddr_in loopback(std::uint64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int new_socket() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) die("socket");
  return descriptor;
}

int connect_to(std::uint64_t port) {
  const int descriptor = new_socket();
  const sockaddr_in address = loopback(port);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die("connect");
  }
  return descriptor;
}

int listen_on(std::uint64_t port, unsigned backlog) {
  const int listener = new_socket();
  sockaddr_in address = loopback(port);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int yes = 1;
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(listener, generic, sizeof address) != 0 ||
      listen(listener, static_cast<int>(backlog)) != 0) {
    die("listen");
  }
  socklen_t size = sizeof address;
  if (getsockname(listener, generic, &size) != 0) die("getsockname");
  std::printf("listening 127.0.0.1:%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return listener;
}

}  // namespace

std::vector<slice> cut(std::uint64_t size_bytes, unsigned count) {
  const std::uint64_t pieces = (size_bytes + slice_align_bytes - 1) / slice_align_bytes;
  const std::uint64_t step_bytes = (pieces + count - 1) / count * slice_align_bytes;
  std::vector<slice> slices;
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t begin = std::min(size_bytes, i * step_bytes);
    slices.push_back({begin, std::min(size_bytes - begin, step_bytes)});
  }
  return slices;
}

std::vector<int> open_connections(std::string_view where, unsigned count) {
  const auto colon = where.find(':');
  if (colon == where.npos) die("the first argument must be connect:PORT or listen:PORT");
  const std::string_view role = where.substr(0, colon);
  const std::uint64_t port = number(where.substr(colon + 1));

  std::vector<int> connections;
  if (role == "connect") {
    while (connections.size() < count) connections.push_back(connect_to(port));
    return connections;
  }
  const int listener = listen_on(port, count);
  while (connections.size() < count) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) die("accept");
    connections.push_back(connection);
  }
  if (close(listener) != 0) die("close the listener");
  return connections;
}

void send_all(int socket, const void* bytes, std::size_t size) {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t sent = send(socket, next, size, MSG_NOSIGNAL);
    if (sent < 0) die("send");
    next += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void recv_all(int socket, void* bytes, std::size_t size) {
  char* next = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t got = recv(socket, next, std::min(size, recv_bytes), 0);
    if (got < 0) die("receive");
    if (got == 0) {
      errno = 0;
      die("receive: the stream ended early");
    }
    next += got;
    size -= static_cast<std::size_t>(got);
  }
}

receiving parse_receiving(std::span<const std::string_view> options) {
  constexpr std::string_view streams = "--streams=";
  receiving chosen;
  for (const auto option : options) {
    if (option == "--direct") {
      chosen.direct = true;
    } else if (option == "--sync") {
      chosen.sync = true;
    } else if (option.starts_with(streams)) {
      chosen.streams = static_cast<unsigned>(number(option.substr(streams.size())));
    } else {
      errno = EINVAL;
      die(option);
    }
  }
  return chosen;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) {
    errno = EINVAL;
    die(text);
  }
  return value;
}

void die(std::string_view what) {
  const char* reason = errno == 0 ? "failed" : std::strerror(errno);
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), reason);
  std::exit(1);
}

}  // namespace raw
