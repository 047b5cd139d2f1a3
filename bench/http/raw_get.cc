// raw_get connect:PORT PATH SIZE
//
// One GET over one connection; the SIZE bytes of the response's body go nowhere. As little as a
// client of HTTP can do, so that what is measured is the server.
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "raw_streams.h"

namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10;

// Receives up to the end of the head, and checks it; how much of the body came with it.
std::uint64_t receive_head(int socket, std::string_view length) {
  std::string head;
  std::array<char, 4096> piece{};
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = recv(socket, piece.data(), piece.size(), 0);
    if (got <= 0) raw::die("receive the head");
    head.append(piece.data(), static_cast<std::size_t>(got));
  }
  errno = 0;
  if (!head.starts_with("HTTP/1.1 200 ")) raw::die("the server refused: " + head);
  if (head.find("Content-Length: " + std::string(length) + "\r\n") == std::string::npos) {
    raw::die("the file has another size: " + head);
  }
  return head.size() - head.find("\r\n\r\n") - 4;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() != 3) raw::die("usage: raw_get connect:PORT PATH SIZE");
  const int socket = raw::open_connections(arguments[0], 1).front();
  const std::string request =
      "GET " + std::string(arguments[1]) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  raw::send_all(socket, request.data(), request.size());
  const std::uint64_t size_bytes = raw::number(arguments[2]);
  std::uint64_t received_bytes = receive_head(socket, arguments[2]);
  std::vector<char> piece(piece_bytes);
  while (received_bytes < size_bytes) {
    const ssize_t got = recv(socket, piece.data(), piece.size(), 0);
    if (got <= 0) raw::die("receive the body");
    received_bytes += static_cast<std::uint64_t>(got);
  }
  return 0;
}
