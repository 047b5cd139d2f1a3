// One connection of /live after its handshake. Internal to live.cc and live_messages.cc.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "http/api_json.h"
#include "http/follower.h"
#include "http/service.h"
#include "http/upgrade.h"
#include "net/beast_stream.h"
#include "net/stream.h"
#include "net/watch.h"

namespace sluice::http {

// Two coroutines of one thread: one reads and answers, the other is the only one that writes. So a
// client that does not read is not read from either, once its answers fill their places.
//
// `client` and `shared` outlive it. Shared by the two coroutines; `run` waits for both.
class live_session final : public std::enable_shared_from_this<live_session>, private net::watched {
 public:
  static constexpr std::size_t message_bytes_max = 4096;
  static constexpr std::size_t answers_max = 8;  // waiting to be written

  live_session(net::stream& client, service& shared, base::caller_ptr who);

  // From the handshake to the close. How it ended is logged.
  awaitable<void> run(upgrade_request asked);

 private:
  using clock = std::chrono::steady_clock;
  using websocket_stream = boost::beast::websocket::stream<net::beast_stream, false>;

  void set_up();
  awaitable<void> read_all();
  static awaitable<void> write_all(std::shared_ptr<live_session> self);
  awaitable<bool> write(const std::string& text);
  awaitable<void> say_goodbye();
  [[nodiscard]] std::optional<std::string> next_text();
  void look(clock::time_point now) override;
  void cut();

  // live_messages.cc: what a message is answered with.
  awaitable<json> answer(std::string_view text);
  awaitable<json> watch(const json& message);
  awaitable<json> unwatch(const json& message);
  struct message_kind;
  static const message_kind* find_kind(std::string_view name);

  net::stream& below_;
  service& shared_;
  const base::caller_ptr who_;
  websocket_stream stream_;
  const std::shared_ptr<follower> follower_;
  std::deque<std::string> answers_;
  std::optional<clock::time_point> writing_since_;
  bool reader_ended_ = false;
  bool writer_ended_ = false;
  bool leaves_ = false;  // the server stops
  net::watch watch_;
};

}  // namespace sluice::http
