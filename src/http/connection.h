// One connection of HTTP/1.1: requests in, one after the other, responses out (RFC 9112).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "http/exchange.h"
#include "http/head.h"
#include "http/idle_line.h"
#include "http/input.h"
#include "http/output.h"
#include "http/service.h"
#include "net/stream.h"
#include "net/watch.h"

namespace sluice::http {

// Runs the connection of a client that was just accepted, on the stream's thread; returns when it
// is over and the stream is closed. The result says how it ended: success when the client left
// between two requests. `shared` outlives it.
//
// With `held`, which lives as long as the connection, it also returns, with success, when nobody
// speaks for a while: then the connection is parked (net/parking.h), and goes on by itself.
awaitable<result<void>> serve(net::stream client, service& shared,
                              std::shared_ptr<const void> held = {});

enum class refusal : std::uint8_t {
  busy,       // as many connections as there may be: 503
  plaintext,  // this server speaks TLS: 308 for what is read, else 426
};

// For a connection that is not served: an answer to the first request, and the end. At most
// `limits.head` long.
awaitable<void> refuse(net::stream client, service& shared, refusal why);

// What a connection has for as long as it is open, awake or parked.
struct tenancy {
  class count {  // among those that are open
   public:
    explicit count(service& of);
    ~count();
    count(count&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    count& operator=(count&&) = delete;

   private:
    service* of_;
  };

  count open;
  std::shared_ptr<const void> held;  // none: it is not parked
  std::uint64_t requests = 0;        // that were answered
};

// The inside, for exchanges. Shared with those who may abort it; one thread.
class connection final : public std::enable_shared_from_this<connection>,
                         private net::watched,
                         private idler {
 public:
  connection(net::stream client, service& shared, tenancy has);
  virtual ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  static awaitable<result<void>> run(std::shared_ptr<connection> self);
  // Answers the first request, whatever it is.
  static awaitable<void> run_refusing(std::shared_ptr<connection> self, refusal why);

  [[nodiscard]] service& shared() noexcept { return shared_; }
  [[nodiscard]] input& in() noexcept { return input_; }
  [[nodiscard]] output& out() noexcept { return output_; }
  [[nodiscard]] net::stream& stream() noexcept { return stream_; }  // see exchange::hand_over
  [[nodiscard]] const executor& where() const noexcept { return where_; }
  [[nodiscard]] const tcp_endpoint& peer() const noexcept { return peer_; }
  [[nodiscard]] const std::string& from() const noexcept { return from_; }  // the peer's address

  // What an operation of the stream failed with: the deadline, where there was one.
  [[nodiscard]] error explain(const error& why) const;

  // Ends the connection now, if its current request is still that one.
  void abort(std::uint64_t number);

  // Why it is about to end, where it is.
  [[nodiscard]] const std::optional<error>& trouble() const noexcept { return trouble_; }

 private:
  using clock = std::chrono::steady_clock;
  enum class phase : std::uint8_t { idle, head, exchange, lingering };

  // How far the head of the next request was looked at.
  struct head_progress {
    head_limits limits;
    head_finder finder;
    unsigned empty_lines = 0;
  };
  [[nodiscard]] head_progress begin_head() const;

  // One request and its response; whether another may follow.
  awaitable<result<bool>> serve_next();
  // The next request, or what to answer instead; nullopt: not all of it is buffered.
  std::optional<parsed<request>> take_head(head_progress& seen);
  // The same, and waits for it.
  awaitable<result<void>> read_head(head_progress& seen, std::optional<parsed<request>>& asked);
  awaitable<bool> serve_one(request& asked);
  awaitable<result<void>> answer_failure(exchange& now, const error& why);
  awaitable<result<bool>> drop_body(exchange& now);
  // To a HEAD the same without its body (RFC 9110, 9.3.2).
  awaitable<void> reject(response refused, bool to_head);
  awaitable<void> linger();
  void enter(phase next);
  void look(clock::time_point now) override;
  [[nodiscard]] clock::time_point idle_since() const noexcept override { return since_; }
  void go_parking() override;
  [[nodiscard]] bool woken_for_nothing();
  void park();
  [[nodiscard]] bool is_too_slow(clock::time_point now);
  void time_out(const char* what, bool answerable);
  void note_trouble(error why);
  void close(error why);

  tenancy has_;
  net::stream stream_;
  service& shared_;
  const executor where_;
  idle_line& line_;
  const tcp_endpoint peer_;
  const std::string from_;
  input input_;
  output output_;
  net::watch watch_;
  std::uint64_t number_ = 0;  // of the current request
  phase phase_ = phase::idle;
  bool parks_ = false;       // instead of waiting on
  clock::time_point since_;  // of the phase
  std::optional<error> trouble_;
  clock::time_point trouble_since_;

  // Progress of what waits for the peer.
  struct window {
    clock::time_point begin;
    std::uint64_t bytes = 0;
    bool open = false;
  };
  window receiving_;
  window sending_;
};

// What 503 says: the server is busy for a moment, or stops and another one may start.
inline constexpr std::string_view retry_after = "Retry-After: 1\r\n";

// What every response begins with: the line of its status and the fields that each has. Kept in
// each thread for a second, or until the next call there with another status.
[[nodiscard]] std::string_view head_begin(status code, const std::string& agent);
// "HTTP/1.1 200 OK\r\n".
void append_status_line(std::string& out, status code);

}  // namespace sluice::http
