// One file over one TCP connection, in the wire of the classic exercise:
//
//   0        4
//   | length | content ...            then the sender closes
//
// `length` is signed and little-endian: Python's struct.pack('i', n) on x86. The wire carries no
// name, no digest and no acknowledgement, and is not encrypted. Either side may be the one that
// listens.
//
// Both calls block until their work is over and may be called from any thread, in a process that
// ignores SIGPIPE (sendfile(2) knows no MSG_NOSIGNAL). Memory does not grow with the file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/client.h"
#include "client/observer.h"
#include "sluice/error.h"
#include "sluice/host_port.h"

namespace sluice::client {

// What a signed 32-bit length can say.
inline constexpr std::uint64_t plain_bytes_max = 2'147'483'647;

// `timeout` bounds connecting and any standstill of the peer; while listening, waiting for somebody
// to connect has no bound.
struct plain_options : session_options {
  host_port where;
  bool listen = false;  // wait for one connection on `where`; otherwise connect to it
  // Called with the bound address ("127.0.0.1:40001") when the port accepts connections.
  std::function<void(const std::string& address)> on_listening;
};

struct plain_receive_options : plain_options {
  std::uint64_t max_bytes = plain_bytes_max;  // a longer announced length is refused
  bool overwrite = false;
};

// Sends `file` and waits until the peer has closed, or its system has acknowledged every byte.
// Returns the bytes sent. A file that the length cannot hold is frame_too_large, before any
// connection. Other errors: not_found, not_allowed, not_a_file, cannot_connect, cannot_listen,
// broken_stream, timed_out, changed (the file, while it was sent), cancelled, io.
[[nodiscard]] result<std::uint64_t> send_plain(const std::string& file,
                                               const plain_options& options, observer& watcher);

// Receives into `target`, which gets its name when all of the content is on stable storage; until
// then the bytes are in a hidden file beside it, which does not outlive a failure. "-" is standard
// output. Returns the bytes received. Errors: exists (before any connection, and again at the end),
// bad_frame (negative length, bytes behind the content), frame_too_large (over `max_bytes`),
// broken_stream (ended early), cannot_connect, cannot_listen, timed_out, not_found, not_allowed,
// no_space, cancelled, io.
[[nodiscard]] result<std::uint64_t> receive_plain(const std::string& target,
                                                  const plain_receive_options& options,
                                                  observer& watcher);

}  // namespace sluice::client
