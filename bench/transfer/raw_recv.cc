// raw_recv connect:PORT|listen:PORT FILE|- SIZE [--streams=N] [--direct] [--sync]
//
// Receives the SIZE bytes that raw_send sends, over N connections (default 1), and writes them to a
// FILE whose blocks are allocated beforehand; "-" drops them. --direct goes past the page cache;
// --sync ends with fdatasync.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "raw_streams.h"

namespace {

// One write puts away a whole piece: writing what each recv gave costs twice as much.
constexpr std::size_t buffered_piece_bytes = std::size_t{1} << 20;
constexpr std::size_t memory_align_bytes = 4096;

struct settings : raw::receiving {
  const char* path = nullptr;
  std::uint64_t size_bytes = 0;

  [[nodiscard]] std::size_t piece_bytes() const {
    return direct ? static_cast<std::size_t>(raw::slice_align_bytes) : buffered_piece_bytes;
  }
};

settings parse(const std::vector<std::string_view>& arguments, char** argv) {
  if (arguments.size() < 3) {
    raw::die(
        "usage: raw_recv connect:PORT|listen:PORT FILE|- SIZE [--streams=N] [--direct] [--sync]");
  }
  settings chosen{raw::parse_receiving(std::span(arguments).subspan(3))};
  if (arguments[1] != "-") chosen.path = argv[2];
  chosen.size_bytes = raw::number(arguments[2]);
  return chosen;
}

int create_file(const settings& chosen) {
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (chosen.direct ? O_DIRECT : 0);
  const int file = open(chosen.path, flags, 0644);
  if (file < 0) raw::die("create the file");
  if (chosen.size_bytes > 0 && fallocate(file, 0, 0, static_cast<off_t>(chosen.size_bytes)) != 0) {
    raw::die("allocate the file");
  }
  return file;
}

void write_all(int file, const char* bytes, std::size_t size, std::uint64_t offset_bytes) {
  while (size > 0) {
    const ssize_t written = pwrite(file, bytes, size, static_cast<off_t>(offset_bytes));
    if (written < 0) raw::die("write");
    bytes += written;
    size -= static_cast<std::size_t>(written);
    offset_bytes += static_cast<std::uint64_t>(written);
  }
}

// `buffered` writes what is too short for direct I/O; both descriptors are -1 when nothing is kept.
struct target {
  int file = -1;
  int buffered = -1;
};

// The slice's announced length, put away; returns it.
std::uint64_t receive_slice(int socket, target to, std::size_t piece_bytes) {
  raw::slice part;
  raw::recv_all(socket, &part, sizeof part);
  const std::unique_ptr<char, decltype(&std::free)> piece(
      static_cast<char*>(std::aligned_alloc(memory_align_bytes, piece_bytes)), &std::free);
  if (!piece) raw::die("allocate memory");

  std::uint64_t done_bytes = 0;
  while (done_bytes < part.length_bytes) {
    const auto want = static_cast<std::size_t>(
        std::min<std::uint64_t>(piece_bytes, part.length_bytes - done_bytes));
    raw::recv_all(socket, piece.get(), want);
    const int file = want == piece_bytes ? to.file : to.buffered;
    if (file >= 0) write_all(file, piece.get(), want, part.offset_bytes + done_bytes);
    done_bytes += want;
  }
  return done_bytes;
}

void close_file(target to, bool sync) {
  if (to.buffered != to.file && close(to.buffered) != 0) raw::die("close the file");
  if (sync && fdatasync(to.file) != 0) raw::die("sync");
  if (close(to.file) != 0) raw::die("close the file");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const settings chosen = parse(arguments, argv);
  const auto sockets = raw::open_connections(arguments[0], chosen.streams);

  target to;
  if (chosen.path != nullptr) {
    to.file = create_file(chosen);
    to.buffered = chosen.direct ? open(chosen.path, O_WRONLY | O_CLOEXEC) : to.file;
    if (to.buffered < 0) raw::die("open the file again");
  }
  std::vector<std::uint64_t> received_bytes(chosen.streams, 0);
  std::vector<std::jthread> receivers;
  receivers.reserve(chosen.streams);
  for (unsigned i = 0; i < chosen.streams; ++i) {
    receivers.emplace_back([&received = received_bytes[i], socket = sockets[i], to,
                            piece_bytes = chosen.piece_bytes()] {
      received = receive_slice(socket, to, piece_bytes);
    });
  }
  receivers.clear();  // joins
  if (to.file >= 0) close_file(to, chosen.sync);

  std::uint64_t total_bytes = 0;
  for (const std::uint64_t bytes : received_bytes) total_bytes += bytes;
  if (total_bytes != chosen.size_bytes) {
    errno = 0;
    raw::die("the sender's file has another size");
  }
  for (const int socket : sockets) {
    if (close(socket) != 0) raw::die("close the connection");
  }
  return 0;
}
