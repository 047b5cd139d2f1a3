// The inside of a listener, shared with the sessions that report to it. All of it runs on the
// thread of the listener's io_context; the sessions themselves run on their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "sluice/listener.h"

namespace sluice {

class listener_core : public std::enable_shared_from_this<listener_core> {
 public:
  listener_core(tcp_acceptor acceptor, listener_options options);

  void serve(frame_session session);
  void serve(socket_session session);
  void stop() noexcept;
  void cancel();
  [[nodiscard]] static awaitable<void> drained(std::shared_ptr<listener_core> self);

  [[nodiscard]] const tcp_endpoint& local_endpoint() const noexcept { return local_; }
  [[nodiscard]] std::size_t connections() const noexcept { return running_.size(); }

 private:
  using session_id = std::uint64_t;
  // The root of a session: what it gives back is the trouble of session_end.
  using runner = std::function<awaitable<std::optional<error>>(tcp_socket, tcp_endpoint)>;
  // What it takes to cancel a session, on its own thread.
  struct running {
    executor loop;
    std::shared_ptr<asio::cancellation_signal> end;
  };

  void start(runner run);
  [[nodiscard]] static awaitable<std::optional<error>> run_frames(stream_options options,
                                                                  frame_session session,
                                                                  tcp_socket socket,
                                                                  tcp_endpoint peer);
  [[nodiscard]] static awaitable<void> accept_loop(std::shared_ptr<listener_core> self);
  [[nodiscard]] static awaitable<void> back_off(std::shared_ptr<listener_core> self,
                                                boost::system::error_code why);
  [[nodiscard]] asio::io_context& next_context();
  void take(tcp_socket socket);
  void run(tcp_socket socket, const tcp_endpoint& peer);
  void refuse(tcp_socket socket);
  void finished(session_id id, const session_end& how);

  tcp_acceptor acceptor_;
  const listener_options options_;
  const tcp_endpoint local_;
  runner run_;
  std::unordered_map<session_id, running> running_;
  session_id next_id_ = 0;
  std::size_t turn_ = 0;     // of the contexts
  bool in_trouble_ = false;  // accepting has failed, and has been reported, since it last worked
  steady_timer retry_;       // until accepting is tried again
  steady_timer drained_;     // cancelled when the last session ends
};

}  // namespace sluice
