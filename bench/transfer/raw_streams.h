// What raw_send and raw_recv share: the connections between them, and the cut of one file into
// as many slices as there are connections.
//
// The wire is as little as it can be. Each connection carries one slice of the file:
//
//   +-------------------+-------------------+------------------------+
//   | offset, 8 bytes   | length, 8 bytes   | content, length bytes  |   then the sender shuts down
//   +-------------------+-------------------+------------------------+
//
// in the byte order of the machine (both ends are on it). The receiver closes when the content is
// where it should be; the sender waits for that, so that either side's end is the end of the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace raw {

// Slices begin at a multiple of this, as direct I/O wants it; it is also the piece of direct I/O.
inline constexpr std::uint64_t slice_align_bytes = std::uint64_t{4} << 20;

struct slice {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
};

// `count` slices that cover `size_bytes` in order; the last ones may be empty.
std::vector<slice> cut(std::uint64_t size_bytes, unsigned count);

// `count` connections on 127.0.0.1. `where` is "connect:PORT" or "listen:PORT"; a listener prints
// "listening 127.0.0.1:PORT" first (port 0 picks one). The caller closes the descriptors.
std::vector<int> open_connections(std::string_view where, unsigned count);

// Sends or receives exactly `size` bytes, or ends the program.
void send_all(int socket, const void* bytes, std::size_t size);
void recv_all(int socket, void* bytes, std::size_t size);

// How a receiver receives.
struct receiving {
  unsigned streams = 1;
  bool direct = false;  // past the page cache
  bool sync = false;
};
// Of "--streams=N", "--direct" and "--sync"; anything else ends the program.
receiving parse_receiving(std::span<const std::string_view> options);

// `text` as a number, or ends the program.
std::uint64_t number(std::string_view text);

// Says on standard error what failed and why (errno), and ends the program with 1.
[[noreturn]] void die(std::string_view what);

}  // namespace raw
