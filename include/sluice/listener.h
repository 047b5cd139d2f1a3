// Listens on a TCP address and runs one coroutine for each connection.
//
//   sluice::listener server{io, {"127.0.0.1", 9000}};
//   server.serve(echo);                                 // awaitable<void> echo(frame_stream peer)
//   io.run();
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "sluice/frame_stream.h"
#include "sluice/host_port.h"

namespace sluice {

// What is run for a connection, on the thread of the connection's io_context. The stream or socket
// belongs to it, and a stream ends with it: what was queued is sent, then the connection is closed.
// What it throws is caught and reported, and ends that session alone.
using frame_session = std::function<awaitable<void>(frame_stream)>;
using socket_session = std::function<awaitable<void>(tcp_socket)>;

// How a session ended: `trouble` is empty when either side ended it in order.
struct session_end {
  tcp_endpoint peer;
  std::optional<error> trouble;
};

// All hooks are called on the thread of the listener's io_context, and must not block. An empty
// hook does what its comment says.
struct listener_hooks {
  std::function<void(const tcp_endpoint& peer)> on_open;  // nothing
  std::function<void(const session_end& session)>
      on_end;  // a line on std::clog if there was trouble
  // A connection beyond max_connections. The hook may send a few bytes that say so, without
  // waiting, and lets go of the socket. Empty: closes it.
  std::function<void(tcp_socket refused)> on_refuse;
  // Accepting failed, for instance for want of file descriptors; the listener goes on by itself.
  std::function<void(const error& why)> on_trouble;  // a line on std::clog
};

struct listener_options {
  // Connections that the system completes and holds until they are accepted, listen(2); the
  // system caps it at net.core.somaxconn.
  int backlog = 4096;
  // Sessions at the same time, until their sockets are closed. The next client is accepted and
  // closed at once (see on_refuse), so that it learns where it stands instead of hanging.
  std::size_t max_connections = 10'000;
  // How long to wait before accepting again when the system has no descriptor or memory left; the
  // end of a session ends the wait.
  std::chrono::milliseconds retry_delay{100};
  stream_options stream;  // of frame sessions
  listener_hooks hooks;
  // Where sessions run, in turn: one io_context for each thread. Empty: on the listener's own. Each
  // must be running, or run later, for its sessions to end, and outlive the listener's io_context.
  std::vector<asio::io_context*> contexts;
};

class listener_core;

// Movable. Thread: all members, the destructor too, on the thread that runs `io`, or before it
// runs. `io` must outlive the listener. The destructor is stop(): running sessions go on.
class listener {
 public:
  // Binds and listens (SO_REUSEADDR, so that a restart never meets "address in use"); nothing is
  // accepted before serve(). A name is resolved, which may block; the first of its addresses that
  // can be bound is taken. An empty host is every interface, IPv6 and IPv4. Errors: cannot_listen,
  // not_allowed, invalid_argument; the context names the address.
  [[nodiscard]] static result<listener> open(asio::io_context& io, const host_port& where,
                                             listener_options options = {});

  // The same, throwing std::runtime_error with the message of the error.
  listener(asio::io_context& io, const host_port& where, listener_options options = {});

  listener(listener&&) noexcept = default;
  listener& operator=(listener&& other) noexcept;
  ~listener();

  // Where it listens: the port that was picked for port 0.
  [[nodiscard]] const tcp_endpoint& local_endpoint() const noexcept;

  // Starts accepting. Once only, with either kind of session.
  void serve(frame_session session);
  void serve(socket_session session);

  // Sessions that run now.
  [[nodiscard]] std::size_t connections() const noexcept;

  // The gate. stop(): accepts no more, and frees the port. cancel(): stop(), and ends every session
  // by Asio's terminal cancellation, which a frame_stream answers with `cancelled`. drained():
  // waits until no session is left; several may wait.
  void stop() noexcept;
  void cancel();
  [[nodiscard]] awaitable<void> drained();

 private:
  explicit listener(std::shared_ptr<listener_core> core) noexcept;
  std::shared_ptr<listener_core> core_;
};

}  // namespace sluice
