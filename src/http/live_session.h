// One connection of /live after its handshake. Internal to live.cc, live_messages.cc and
// live_talk.cc.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/api_json.h"
#include "http/follower.h"
#include "http/service.h"
#include "http/talk_steps.h"
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
  static constexpr std::size_t message_bytes_max = std::size_t{64} << 10;
  static constexpr std::size_t answers_max = 8;                            // waiting to be written
  static constexpr std::size_t answers_bytes_max = std::size_t{64} << 10;  // then one more may

  live_session(net::stream& client, service& shared, base::caller_ptr who,
               const tcp_endpoint& peer);

  ~live_session() = default;
  live_session(const live_session&) = delete;
  live_session& operator=(const live_session&) = delete;

  // {"kind":"error"}: what cannot be done, and nothing ends by it.
  [[nodiscard]] static json refusal(std::string_view about, std::string_view detail);

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
  awaitable<void> queue(const std::string& text);
  void look(clock::time_point now) override;
  void cut();

  // live_messages.cc: what a message is answered with.
  awaitable<json> answer(std::string_view text);
  awaitable<json> watch(const json& message);
  awaitable<json> unwatch(const json& message);

  // live_talk.cc.
  awaitable<json> join(const json& message);
  awaitable<json> leave(const json& message);
  awaitable<json> say(const json& message);
  awaitable<json> amend(const json& message);
  awaitable<json> type(const json& message);
  // What was said since a client left, told page by page before anything newer is.
  struct catch_up {
    talk_room where;
    std::int64_t told = 0;  // up to this version
    std::int64_t end = 0;   // what is newer comes by itself
  };
  [[nodiscard]] result<std::vector<std::string>> next_page(catch_up& from) const;
  awaitable<void> tell_what_was_missed();
  [[nodiscard]] talk::person speaker_in(const std::string& path, const std::string& name);
  [[nodiscard]] talk::listener& talks();

  struct message_kind;
  static const message_kind* find_kind(std::string_view name);

  net::stream& below_;
  service& shared_;
  const base::caller_ptr who_;
  const tcp_endpoint peer_;
  websocket_stream stream_;
  const std::shared_ptr<follower> follower_;
  places::place watches_;                  // held by who watches something
  std::unique_ptr<talk::listener> talks_;  // of who joined something
  std::unique_ptr<catch_up> catching_up_;  // behind the answer
  std::deque<std::string> answers_;
  std::size_t answers_bytes_ = 0;
  std::optional<clock::time_point> writing_since_;
  bool reader_ended_ = false;
  bool writer_ended_ = false;
  bool leaves_ = false;  // the server stops
  net::watch watch_;
};

}  // namespace sluice::http
