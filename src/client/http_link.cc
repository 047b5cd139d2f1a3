#include "client/http_link.h"

#include <fmt/format.h>
#include <boost/asio/write.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/url.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "client/connect_to.h"
#include "client/json_text.h"
#include "client/requests.h"
#include "wire/error_message.h"

namespace sluice::client {
namespace {

namespace beast_http = boost::beast::http;

constexpr std::size_t head_bytes_max = std::size_t{32} * 1024;
constexpr std::size_t buffer_bytes = std::size_t{64} * 1024;
constexpr std::size_t problem_bytes_max = std::size_t{16} * 1024;
constexpr auto look_pause = std::chrono::milliseconds(200);

// Of docs/api.md, "Errors".
errc code_of(unsigned status) {
  switch (status) {
    case 400: return errc::invalid_argument;
    case 401:
    case 403:
    case 421: return errc::not_allowed;
    case 404: return errc::not_found;
    case 409: return errc::conflict;
    case 412:
    case 416: return errc::changed;
    case 429:
    case 503: return errc::busy;
    case 507: return errc::no_space;
    default: return errc::io;
  }
}

namespace beast_base64 = boost::beast::detail::base64;

}  // namespace

std::string encode_path(std::string_view path) {
  return boost::urls::encode(path, boost::urls::unreserved_chars + '/');
}

awaitable<result<std::shared_ptr<http_link>>> http_link::open(session& owner, url server) {
  auto peer = co_await connect_to(owner, server, speech::http);
  if (!peer) co_return std::unexpected(std::move(peer.error()));
  auto made = std::make_shared<http_link>(owner, std::move(server), std::move(*peer));
  made->look_later();
  co_return made;
}

http_link::http_link(session& owner, url server, net::stream peer)
    : session_(owner),
      server_(std::move(server)),
      stream_(std::move(peer)),
      through_(stream_),
      timer_(owner.where()),
      buffer_(buffer_bytes),
      silence_(owner.timeout()),
      heard_(std::chrono::steady_clock::now()),
      pace_(owner.where()) {
  pace_.use(owner.pace());
}

void http_link::look_later() {
  timer_.expires_after(look_pause);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& over) {
    const auto me = over ? nullptr : weak.lock();
    if (!me) return;
    me->look();
    me->look_later();
  });
}

void http_link::look() {
  if (session_.stopping()) return cut(errc::cancelled);
  if (waits_ && std::chrono::steady_clock::now() - heard_ >= silence_) cut(errc::timed_out);
}

void http_link::cut(errc why) {
  if (cut_) return;
  cut_ = why;
  stream_.close();
}

error http_link::explain(const boost::system::error_code& why, std::string_view what) const {
  const auto text = fmt::format("{} {}", what, server_.authority());
  if (cut_) return {.code = *cut_, .context = text};
  if (why == beast_http::error::end_of_stream)
    return {.code = errc::end_of_stream, .context = text};
  const bool is_protocol =
      why.category() == make_error_code(beast_http::error::bad_line_ending).category() &&
      why != beast_http::error::partial_message;
  return {.code = is_protocol ? errc::bad_frame : errc::broken_stream,
          .context = fmt::format("{}: {}", text, why.message())};
}

awaitable<result<void>> http_link::exchange_heads(const std::string& request, bool has_body) {
  waits_ = true;
  heard_ = std::chrono::steady_clock::now();
  auto writing = asio::async_write(through_, asio::buffer(request), as_tuple);
  const auto [not_sent, sent] = co_await std::move(writing);
  if (not_sent) co_return std::unexpected(explain(not_sent, "ask"));
  answer_.emplace();
  answer_->header_limit(head_bytes_max);
  answer_->body_limit(boost::none);  // who reads it has the limit
  answer_->skip(!has_body);
  auto reading = beast_http::async_read_header(through_, buffer_, *answer_, as_tuple);
  const auto [failed, count] = co_await std::move(reading);
  waits_ = false;
  if (failed) co_return std::unexpected(explain(failed, "wait for the answer of"));
  co_return result<void>{};
}

// RFC 6750, 2.1; of a link with a password RFC 7617.
std::string http_link::login() const {
  const auto* key = session_.key_for(server_);
  if (key == nullptr) return {};
  const auto* password = session_.password_for(server_);
  if (password == nullptr) return fmt::format("Authorization: Bearer {}\r\n", key->reveal());
  std::string both = fmt::format("{}:{}", key->reveal(), password->reveal());
  std::string encoded(beast_base64::encoded_size(both.size()), '\0');
  encoded.resize(beast_base64::encode(encoded.data(), both.data(), both.size()));
  base::wipe(both);
  std::string line = fmt::format("Authorization: Basic {}\r\n", encoded);
  base::wipe(encoded);
  return line;
}

awaitable<result<void>> http_link::ask(std::string_view method, const std::string& target,
                                       const std::string& fields, const std::string& body) {
  std::string known = login();
  std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: sluice\r\n{}{}\r\n{}", method, target,
                  server_.authority(), known, fields, body);
  base::wipe(known);
  const auto answered = co_await exchange_heads(request, method != "HEAD");
  base::wipe(request);
  if (!answered) co_return answered;
  const auto status = answer_->get().result_int();
  if (status >= 200 && status < 300) co_return result<void>{};
  auto why = co_await refusal();
  co_return std::unexpected(std::move(why));
}

awaitable<result<void>> http_link::post(std::string target, std::string json) {
  const auto fields =
      fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", json.size());
  const auto answered = co_await ask("POST", target, fields, json);
  base::wipe(json);  // there may be a password in it
  co_return answered;
}

awaitable<result<void>> http_link::get(std::string target, std::string fields) {
  co_return co_await ask("GET", target, fields);
}

awaitable<result<void>> http_link::head(std::string target, std::string fields) {
  co_return co_await ask("HEAD", target, fields);
}

awaitable<error> http_link::refusal() {
  const auto status = answer_->get().result_int();
  const auto text = co_await read_text(problem_bytes_max);
  const auto problem = nlohmann::json::parse(text.value_or(""), nullptr, false);
  wants_password_ = problem.is_object() && problem.value("wants_password", false);
  auto why = wire::told_error(code_of(status), text_in(problem, "detail"));
  if (why.context.empty()) why.context = fmt::format("the server answers {}", status);
  co_return why;
}

std::string http_link::field(std::string_view name) const {
  const auto value = answer_->get()[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

awaitable<result<std::size_t>> http_link::read_some(std::span<std::byte> into) {
  while (pace_.is_due()) {
    if (cut_) co_return fail(*cut_, "receive from " + server_.authority());
    co_await pace_.rest_for(look_pause);
  }
  into = into.first(pace_.step(into.size()));
  auto& body = answer_->get().body();
  body.data = into.data();
  body.size = into.size();
  body.more = true;
  waits_ = true;
  heard_ = std::chrono::steady_clock::now();
  boost::system::error_code failed;
  while (!failed && body.size == into.size() && !answer_->is_done()) {
    auto reading = beast_http::async_read_some(through_, buffer_, *answer_, as_tuple);
    const auto [why, count] = co_await std::move(reading);
    failed = why;
  }
  waits_ = false;
  if (failed == beast_http::error::need_buffer) failed = {};
  if (failed) co_return std::unexpected(explain(failed, "receive from"));
  pace_.passed(into.size() - body.size);
  co_return into.size() - body.size;
}

awaitable<result<std::string>> http_link::read_text(std::size_t most) {
  std::string text;
  std::array<std::byte, std::size_t{16} * 1024> piece{};
  for (;;) {
    const auto got = co_await read_some(piece);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return text;
    if (text.size() + *got > most) {
      co_return fail(errc::bad_frame, fmt::format("an answer of over {} bytes", most));
    }
    text.append(reinterpret_cast<const char*>(piece.data()), *got);
  }
}

}  // namespace sluice::client
