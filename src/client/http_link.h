// A connection to the HTTP side of a server (RFC 9112), for what the native protocol has not.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/session.h"
#include "client/url.h"
#include "net/beast_stream.h"
#include "net/pace.h"
#include "net/stream.h"
#include "sluice/awaitable.h"

namespace sluice::client {

// One request at a time, by one coroutine on the session's thread; the session outlives it. It
// looks after itself: where nothing comes for the session's timeout (timed_out), or the session
// stops (cancelled), it is closed.
//
// Errors of all: timed_out, cancelled, broken_stream, end_of_stream; bad_frame: this is no HTTP, or
// more of it than is taken.
class http_link : public std::enable_shared_from_this<http_link> {
 public:
  static awaitable<result<std::shared_ptr<http_link>>> open(session& owner, url server);
  http_link(session& owner, url server, net::stream peer);

  // Silence that is borne from here on, where it is longer than the timeout.
  void bear(std::chrono::milliseconds silence) { silence_ = std::max(silence, silence_); }

  // Sends a request without a body and reads the head of its answer, up to 32 KiB. `fields` are
  // whole lines with their CRLF. What is left of an answer before is not read away: take it all.
  // The errors of requests, with what the server said of it: not_found, not_allowed, ...
  awaitable<result<void>> get(std::string target, std::string fields = {});
  // The same without the body.
  awaitable<result<void>> head(std::string target, std::string fields = {});

  // POST of a JSON object.
  awaitable<result<void>> post(std::string target, std::string json);
  // The last refusal said so: of a link.
  [[nodiscard]] bool wants_password() const noexcept { return wants_password_; }

  // Of the answer: "" where it is absent.
  [[nodiscard]] std::string field(std::string_view name) const;

  // Some bytes of the body; 0 at its end.
  awaitable<result<std::size_t>> read_some(std::span<std::byte> into);
  // All of it, up to `most` bytes.
  awaitable<result<std::string>> read_text(std::size_t most);

 private:
  using parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  void look_later();
  void look();
  void cut(errc why);
  [[nodiscard]] error explain(const boost::system::error_code& why, std::string_view what) const;
  awaitable<result<void>> ask(std::string_view method, const std::string& target,
                              const std::string& fields, const std::string& body = {});
  [[nodiscard]] std::string login() const;
  awaitable<result<void>> exchange_heads(const std::string& request, bool has_body);
  awaitable<error> refusal();

  session& session_;
  const url server_;
  net::stream stream_;
  net::beast_stream through_;
  steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<parser> answer_;
  std::chrono::milliseconds silence_;
  std::chrono::steady_clock::time_point heard_;
  bool waits_ = false;
  std::optional<errc> cut_;
  bool wants_password_ = false;
  net::pace pace_;
};

// For a target: "day 1/a" -> "day%201/a".
[[nodiscard]] std::string encode_path(std::string_view path);

}  // namespace sluice::client
