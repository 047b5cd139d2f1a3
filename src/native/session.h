// One connection of the native protocol, the server's side (docs/wire.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "base/budget.h"
#include "base/permission.h"
#include "native/service.h"
#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/pace.h"
#include "net/signal.h"
#include "net/stream.h"
#include "net/visitors.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "sluice/host_port.h"

namespace sluice::native {

class gets;
class put;
class small_puts;
class talks;

// Runs the session of a connection that was just accepted, on the stream's thread; returns when the
// session and all that it started are over and the stream is closed. The result says how it ended:
// success when the client left between two requests. `shared` outlives it.
awaitable<result<void>> serve(net::stream client, service& shared);

// For a connection that is not served: the preface, ERROR with `why`, and the end. At most
// `limits.handshake` long.
awaitable<void> refuse(net::stream client, service& shared, error why);

// The inside, for the requests in this room. Shared by the coroutines of one connection; one
// thread.
class session : public std::enable_shared_from_this<session> {
 public:
  session(net::stream client, service& shared);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  awaitable<result<void>> run();

  // --- for requests ---
  [[nodiscard]] service& shared() noexcept { return shared_; }
  [[nodiscard]] net::message_reader& reader() noexcept { return reader_; }
  [[nodiscard]] net::message_writer& writer() noexcept { return writer_; }
  [[nodiscard]] const executor& where() const noexcept { return where_; }
  // For whom requests are answered that are read now. On the session's thread.
  [[nodiscard]] const base::caller_ptr& caller() const noexcept { return caller_; }
  [[nodiscard]] tcp_endpoint peer() const;
  [[nodiscard]] native::talks& talks() noexcept { return *talks_; }
  [[nodiscard]] net::signal& changed() noexcept { return changed_; }

  // The final frame of a reply: an ERROR.
  void reply_error(std::uint32_t request, const error& why, std::string_view path = {});

  // Runs `work` as a coroutine of this session; what it throws ends the session. The session waits
  // for it.
  void start(awaitable<void> work);

  // Work of other threads that will call back: the session waits until `left()` was called as often
  // as `entered()`.
  void entered() noexcept { ++inside_; }
  void left() {
    --inside_;
    changed_.notify_all();
  }

  // Runs `step` on the session's thread, from any thread. To be paired with entered().
  void post(std::move_only_function<void()> step);

  // For who watches what is offered.
  void note_sent(std::uint64_t offset, std::uint64_t bytes) const {
    if (shared_.offered != nullptr) shared_.offered->on_sent(offset, bytes);
  }

  void end_put(std::uint32_t request) { puts_.erase(request); }
  void fail_session(error why);

  // Nobody takes replies any more, or the server stops: long work ends.
  [[nodiscard]] bool is_ending() const noexcept { return ended_ || shared_.draining; }

 private:
  awaitable<result<void>> handshake();
  awaitable<result<void>> read_requests();
  awaitable<result<void>> handle(const wire::frame_head& head);
  awaitable<result<void>> begin_request(const wire::frame_head& head);
  awaitable<result<void>> begin_put(const wire::frame_head& head);
  awaitable<void> log_in(std::uint32_t request, v1::Login message);
  [[nodiscard]] awaitable<access::login> check(base::secret token, std::string account,
                                               base::secret password);
  [[nodiscard]] base::origin from() const;
  void keep_pace_of(base::budget_ptr whose);
  awaitable<void> keep_pace();
  awaitable<result<void>> continue_put(const wire::frame_head& head);
  awaitable<result<void>> answer_ping(const wire::frame_head& head);
  awaitable<void> watch();
  awaitable<void> finish();
  awaitable<void> linger();
  [[nodiscard]] result<void> check_progress(std::chrono::steady_clock::time_point now);
  [[nodiscard]] bool is_idle() const noexcept;
  void close();

  net::stream stream_;
  service& shared_;
  base::caller_ptr caller_;
  std::optional<net::visitors::place> here_;  // until it closes
  base::budget_place place_;                  // of whom it is, while it is logged in
  net::pace pace_;                            // of what is read
  std::uint64_t paced_bytes_ = 0;
  const executor where_;
  net::message_reader reader_;
  net::message_writer writer_;
  net::signal changed_;  // a coroutine or a call-back ended
  steady_timer watchdog_;

  std::unordered_map<std::uint32_t, std::shared_ptr<put>> puts_;  // open PUT requests
  std::unique_ptr<small_puts> small_;
  std::unique_ptr<gets> gets_;
  std::unique_ptr<native::talks> talks_;
  std::uint32_t last_request_ = 0;
  std::size_t running_ = 0;         // coroutines of requests
  std::size_t inside_ = 0;          // call-backs to come
  bool agreed_ = false;             // on a version
  bool greeted_ = false;            // both said HELLO
  std::optional<error> violation_;  // the peer broke the protocol, and will be told
  std::optional<std::chrono::steady_clock::time_point> lingering_since_;
  bool ended_ = false;
  std::optional<error> trouble_;

  // What the watchdog saw last, and when it was something new.
  struct progress {
    std::uint64_t bytes = 0;
    std::chrono::steady_clock::time_point since;
  };
  std::chrono::steady_clock::time_point started_;
  progress arrived_;
  progress sent_;                                     // since: or nothing was to be sent
  std::chrono::steady_clock::time_point idle_since_;  // the last reply went out
};

}  // namespace sluice::native
