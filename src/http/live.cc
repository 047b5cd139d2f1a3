#include "http/live.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <exception>

#include "base/log.h"
#include "http/event_json.h"
#include "http/live_session.h"
#include "http/talk_json.h"

namespace sluice::http {
namespace {

namespace websocket = boost::beast::websocket;

}  // namespace

live_session::live_session(net::stream& client, service& shared, base::caller_ptr who,
                           const tcp_endpoint& peer)
    : below_(client),
      shared_(shared),
      who_(std::move(who)),
      peer_(peer),
      stream_(client),
      follower_(follower::make(client.get_executor())),
      watch_(client.get_executor(), *this, net::pause_for(shared.limits.stall)) {}

void live_session::set_up() {
  websocket::stream_base::timeout deadlines{};
  deadlines.handshake_timeout = shared_.limits.head;  // also of the close
  deadlines.idle_timeout = shared_.limits.idle;       // half of it brings a ping
  deadlines.keep_alive_pings = true;
  stream_.set_option(deadlines);
  stream_.set_option(websocket::stream_base::decorator([this](websocket::response_type& answer) {
    answer.set(boost::beast::http::field::server, shared_.agent);
  }));
  stream_.read_message_max(message_bytes_max);
  stream_.auto_fragment(false);  // what is sent is whole in memory already
}

awaitable<void> live_session::run(upgrade_request asked) {
  const auto self = shared_from_this();
  set_up();
  auto accepting = stream_.async_accept(asked, as_tuple);
  const auto [refused] = co_await std::move(accepting);
  if (refused) co_return base::log_debug("live: handshake: {}", refused.message());
  ++shared_.counts.responses.at(101);
  auto writer = write_all(self);
  asio::co_spawn(below_.get_executor(), std::move(writer), [self](const std::exception_ptr& why) {
    self->writer_ended_ = true;
    self->follower_->nudge();
    if (why) std::rethrow_exception(why);
  });
  co_await read_all();
  reader_ended_ = true;
  if (!leaves_) cut();
  follower_->nudge();
  while (!writer_ended_) co_await follower_->changed();
  watch_.end();
}

awaitable<void> live_session::read_all() {
  boost::beast::flat_buffer buffer(message_bytes_max);
  for (;;) {
    auto reading = stream_.async_read(buffer, as_tuple);
    const auto [failed, count] = co_await std::move(reading);
    if (failed) co_return base::log_debug("live: ended: {}", failed.message());
    const std::string text = boost::beast::buffers_to_string(buffer.data());
    buffer.consume(buffer.size());
    shared_.counts.received_bytes += count;
    const json answered = co_await answer(text);
    if (!answered.is_null()) {
      const std::string told = dump(answered);
      co_await queue(told);
    }
    if (catching_up_ && !writer_ended_) co_await tell_what_was_missed();
    if (writer_ended_) co_return;
  }
}

// Waits for room; who does not take its answers is not read.
awaitable<void> live_session::queue(const std::string& text) {
  const auto is_full = [this] {
    return answers_.size() >= answers_max || answers_bytes_ >= answers_bytes_max;
  };
  while (is_full() && !writer_ended_) co_await follower_->changed();
  if (writer_ended_) co_return;
  answers_.push_back(text);
  answers_bytes_ += text.size();
  follower_->nudge();
}

std::optional<std::string> live_session::next_text() {
  if (!answers_.empty()) {
    auto text = std::move(answers_.front());
    answers_.pop_front();
    answers_bytes_ -= text.size();
    return text;
  }
  if (talks_) {
    const auto told = talks_->next(clock::now());
    if (told.what != talk::news::kind::none) return telling(told, who_->id());
  }
  if (!follower_->is_following()) return std::nullopt;
  const auto what = follower_->heard().next();
  if (what.is_none()) return std::nullopt;
  return dump(to_json(what));
}

awaitable<void> live_session::write_all(std::shared_ptr<live_session> self) {
  while (!self->reader_ended_) {
    if (self->leaves_) {
      co_await self->say_goodbye();
      co_return;
    }
    const auto text = self->next_text();
    if (!text) {
      co_await self->follower_->changed();
      continue;
    }
    const bool written = co_await self->write(*text);
    if (!written) co_return;
    self->follower_->nudge();  // there is room for an answer
  }
}

awaitable<bool> live_session::write(const std::string& text) {
  writing_since_ = clock::now();
  auto writing = stream_.async_write(asio::buffer(text), as_tuple);
  const auto [failed, count] = co_await std::move(writing);
  writing_since_.reset();
  shared_.counts.sent_bytes += count;
  if (failed) cut();
  co_return !failed;
}

// 1001: the client may come again, to whoever serves then.
awaitable<void> live_session::say_goodbye() {
  const websocket::close_reason why(websocket::close_code::going_away, "the server is stopping");
  auto closing = stream_.async_close(why, as_tuple);
  const auto [failed] = co_await std::move(closing);
  if (failed) cut();
}

// Everything that waits for the stream fails.
void live_session::cut() { below_.cut(); }

void live_session::look(clock::time_point now) {
  if (writing_since_ && now - *writing_since_ >= shared_.limits.stall) {
    base::log_info("live: ended: the client does not take what it asked for");
    return cut();
  }
  if (shared_.closing) return cut();
  if (talks_ && talks_->has_late_news(now)) follower_->nudge();
  if (follower_->is_following() && follower_->heard().has_lost_a_right()) {
    base::log_info("live: ended: the right to see what is watched was taken away");
    return cut();
  }
  if (leaves_ || !shared_.draining) return;
  leaves_ = true;
  follower_->nudge();
}

awaitable<result<void>> live(exchange& now, service& shared) {
  auto wanted = read_upgrade(now.asked());
  if (!wanted) co_return co_await now.send(wanted.error());
  if (now.has_bytes_behind()) {
    const problem early(status::bad_request, "a client of WebSocket waits for the answer");
    now.close_after();
    co_return co_await now.refuse(early);
  }
  const auto session =
      std::make_shared<live_session>(now.hand_over(), shared, now.caller(), now.asked().peer);
  co_await session->run(std::move(*wanted));
  co_return result<void>{};
}

}  // namespace sluice::http
