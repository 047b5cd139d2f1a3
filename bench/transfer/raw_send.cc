// raw_send connect:PORT|listen:PORT FILE [STREAMS]
//
// Sends FILE with sendfile, a slice of it over each of STREAMS connections (default 1).
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <thread>
#include <vector>

#include "raw_streams.h"

namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{8} << 20;

void send_slice(int socket, int file, raw::slice part) {
  raw::send_all(socket, &part, sizeof part);
  auto offset = static_cast<off_t>(part.offset_bytes);
  const auto end = static_cast<off_t>(part.offset_bytes + part.length_bytes);
  while (offset < end) {
    const auto left = static_cast<std::uint64_t>(end - offset);
    const ssize_t sent = sendfile(socket, file, &offset, std::min(left, piece_bytes));
    if (sent <= 0) raw::die("sendfile");
  }
}

// The receiver closes once it has put everything away.
void wait_for_receiver(int socket) {
  if (shutdown(socket, SHUT_WR) != 0) raw::die("shutdown");
  char none = 0;
  if (recv(socket, &none, sizeof none, 0) != 0) raw::die("wait for the receiver");
  if (close(socket) != 0) raw::die("close");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() < 2) raw::die("usage: raw_send connect:PORT|listen:PORT FILE [STREAMS]");
  const auto streams = arguments.size() > 2 ? static_cast<unsigned>(raw::number(arguments[2])) : 1U;

  const int file = open(argv[2], O_RDONLY | O_CLOEXEC);
  struct stat status{};
  if (file < 0 || fstat(file, &status) != 0) raw::die(arguments[1]);
  const auto slices = raw::cut(static_cast<std::uint64_t>(status.st_size), streams);
  const auto sockets = raw::open_connections(arguments[0], streams);

  std::vector<std::jthread> senders;
  senders.reserve(streams);
  for (unsigned i = 0; i < streams; ++i) {
    senders.emplace_back([socket = sockets[i], file, part = slices[i]] {
      send_slice(socket, file, part);
      wait_for_receiver(socket);
    });
  }
  senders.clear();  // joins
  return 0;
}
