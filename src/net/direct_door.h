// Where the two sides of a direct transfer meet: one listens, the other calls, and both have the
// same key (docs/wire.md, section 9).
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "net/direct_tls.h"
#include "net/signal.h"
#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "sluice/host_port.h"
#include "sluice/listener.h"

namespace sluice::net {

struct direct_options {
  host_port where;  // to listen on, or to call
  bool listens = false;
  direct_role role = direct_role::sender;
  std::shared_ptr<const direct_key> key;
  std::chrono::milliseconds timeout{30'000};  // for calling, and for a handshake
  // Called once, before anybody can call, with the port that was picked for port 0.
  std::function<void(const host_port& where)> on_listening{};
};

// Gives out connections with the other side, whose key was proved. One thread: that of `io`, which
// outlives it.
//
// The side that listens lets in one run of one program at a time: its connections, as long as one
// of them exists. Others with the key are late; strangers without it cost a connection and its
// handshake, of which there are at most `handshakes_max`, each at most `timeout` long.
class direct_door {
 public:
  static constexpr std::size_t handshakes_max = 256;
  static constexpr std::size_t waiting_max = 64;  // that were not taken yet; more are closed

  // cannot_listen, not_allowed, internal
  [[nodiscard]] static result<std::unique_ptr<direct_door>> open(asio::io_context& io,
                                                                 direct_options options);
  ~direct_door();
  direct_door(const direct_door&) = delete;
  direct_door& operator=(const direct_door&) = delete;

  // What to do with one who is late; closed without it.
  void on_late(std::function<void(stream)> hook) { on_late_ = std::move(hook); }

  // The next connection. Listening: waits for it without end, and nothing but `cancelled` fails.
  // Else calls.
  //   cannot_connect, timed_out; not_allowed: another key, or no direct transfer there; cancelled
  [[nodiscard]] awaitable<result<stream>> next();

  // Nobody is let in any more, and who waits is told `cancelled`. Once.
  void close() noexcept;

  [[nodiscard]] bool listens() const noexcept { return options_.listens; }
  // As it was given, with the port that was picked.
  [[nodiscard]] const host_port& where() const noexcept { return options_.where; }

 private:
  // It is final, which it says where it is defined.
  class handshake;  // NOLINT(cppcoreguidelines-virtual-class-destructor)
  direct_door(asio::io_context& io, direct_options options, std::unique_ptr<direct_tls> tls);
  [[nodiscard]] awaitable<void> let_in(tcp_socket socket);
  [[nodiscard]] awaitable<result<std::string>> prove(stream& peer);
  [[nodiscard]] awaitable<result<stream>> call();
  void admit(stream peer, const std::string& caller);

  direct_options options_;
  std::unique_ptr<direct_tls> tls_;
  std::optional<listener> listener_;
  std::function<void(stream)> on_late_;
  std::shared_ptr<std::list<stream*>> handshakes_;  // outlives this in frames that never end
  std::list<stream> waiting_;
  std::weak_ptr<const std::string> guest_;  // who is in
  signal changed_;
  bool closed_ = false;
};

}  // namespace sluice::net
