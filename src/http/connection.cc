#include "http/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "http/router.h"
#include "net/address_key.h"
#include "net/parking.h"
#include "net/path_tuning.h"
#include "sluice/host_port.h"

namespace sluice::http {
namespace {

// Behind the last response, so much of what still comes is read and dropped.
constexpr std::size_t lingering_bytes_max = std::size_t{16} << 20;
constexpr unsigned empty_lines_max = 2;  // before a request line; RFC 9112, 2.2

tcp_endpoint peer_of(const tcp_socket& socket) {
  boost::system::error_code gone;
  return socket.remote_endpoint(gone);
}

bool is_of_the_peer(errc code) {
  return code == errc::end_of_stream || code == errc::broken_stream || code == errc::cancelled;
}

// Behind a response; many clients leave without the last word of TLS.
bool is_leave(const error& why, const net::stream& from) {
  return why.code == errc::end_of_stream || (from.is_tls() && why.code == errc::broken_stream);
}

// RFC 9110, 15.4.9 and 15.5.22.
response refuse_plaintext(const request& asked, const service& shared) {
  const bool is_read = asked.method == "GET" || asked.method == "HEAD";
  if (is_read && !asked.host.empty() && goes_by(asked.host, shared)) {
    const std::string there = "https://" + asked.field("Host") + asked.target;
    response moved(problem(status::permanent_redirect, "this server speaks TLS: " + there));
    moved.add("Location", there);
    return moved;
  }
  response refused(problem(status::upgrade_required, "this server speaks TLS: ask by https://"));
  refused.add("Upgrade", "TLS/1.2, HTTP/1.1").add("Connection", "Upgrade");
  return refused;
}

response answer_of(refusal why, const request& asked, const service& shared) {
  if (why == refusal::plaintext) return refuse_plaintext(asked, shared);
  return problem(status::service_unavailable,
                 "this server has as many connections as it may; try again in a moment");
}

class parked_connection final : public net::parked {
 public:
  parked_connection(service& shared, tenancy has) : shared_(shared), has_(std::move(has)) {
    ++shared_.counts.connections_parked;
  }
  ~parked_connection() override { --shared_.counts.connections_parked; }

  void resume(tcp_socket socket) override {
    const auto peer = peer_of(socket);
    const auto where = socket.get_executor();
    auto running =
        std::make_shared<connection>(net::stream(std::move(socket)), shared_, std::move(has_));
    boost::asio::co_spawn(where, connection::run(std::move(running)),
                          [peer](const std::exception_ptr& thrown, const result<void>& outcome) {
                            if (thrown) return log_bug(peer, thrown);
                            log_end(peer, outcome);
                          });
  }

 private:
  static void log_bug(const tcp_endpoint& peer, const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& bug) {
      base::log_error("{}: the session threw: {}", to_string(peer), bug.what());
    }
  }

  static void log_end(const tcp_endpoint& peer, const result<void>& outcome) {
    if (outcome) return base::log_debug("{}: left", to_string(peer));
    base::log_info("{}: ended: {}", to_string(peer), outcome.error().message());
  }

  service& shared_;
  tenancy has_;
};

}  // namespace

tenancy::count::count(service& of) : of_(&of) {
  ++of.counts.connections;
  ++of.counts.connections_open;
}

tenancy::count::~count() {
  if (of_ != nullptr) --of_->counts.connections_open;
}

connection::connection(net::stream client, service& shared, tenancy has)
    : has_(std::move(has)),
      stream_(std::move(client)),
      shared_(shared),
      where_(stream_.get_executor()),
      line_(idle_line::of(where_)),
      peer_(peer_of(stream_.socket())),
      from_(net::plain_address(peer_)),
      input_(stream_),
      output_(stream_),
      number_(has_.requests),
      since_(clock::now()) {
  net::tune(stream_.socket());
  const auto& limits = shared_.limits;
  watch_ =
      net::watch(where_, *this, net::pause_for(std::min({limits.head, limits.idle, limits.stall})));
}

connection::~connection() {
  shared_.counts.received_bytes += input_.received();
  shared_.counts.sent_bytes += output_.sent();
}

void connection::enter(phase next) {
  phase_ = next;
  since_ = clock::now();
}

error connection::explain(const error& why) const {
  return trouble_ && why.code == errc::cancelled ? *trouble_ : why;
}

void connection::note_trouble(error why) {
  if (trouble_) return;
  trouble_ = std::move(why);
  trouble_since_ = clock::now();
}

void connection::close(error why) {
  note_trouble(std::move(why));
  if (phase_ != phase::exchange) stream_.close_notify();  // no response is cut short
  stream_.cut();
}

void connection::abort(std::uint64_t number) {
  if (number == number_ && phase_ == phase::exchange) {
    close(error{errc::cancelled, "a newer request took its place"});
  }
}

void connection::time_out(const char* what, bool answerable) {
  const error why{errc::timed_out, what};
  if (!answerable) return close(why);
  note_trouble(why);
  stream_.cancel();
}

// Each half of `stall` must bring its share; so a peer that stops is noticed within `stall`.
bool connection::is_too_slow(clock::time_point now) {
  const auto span =
      std::max<clock::duration>(shared_.limits.stall / 2, std::chrono::milliseconds(1));
  const auto judge = [&](window& current, bool waits, std::uint64_t bytes) {
    if (!waits || !current.open) {
      current = {now, bytes, waits};
      return false;
    }
    if (now - current.begin < span) return false;
    const auto seconds = std::chrono::duration<double>(now - current.begin).count();
    const bool slow = static_cast<double>(bytes - current.bytes) <
                      seconds * static_cast<double>(shared_.limits.rate_bytes);
    current = {now, bytes, true};
    return slow;
  };
  const bool receives = input_.waiting() && phase_ == phase::exchange;
  if (judge(receiving_, receives, receives ? input_.arrived() : 0)) {
    time_out("wait for the body of the request", true);
    return true;
  }
  if (judge(sending_, output_.waiting(), output_.waiting() ? output_.delivered() : 0)) {
    time_out("wait for the client to take the response", false);
    return true;
  }
  return false;
}

void connection::look(clock::time_point now) {
  if (trouble_ && phase_ != phase::lingering) {  // the last word is on its way: not for ever
    if (shared_.closing || now - trouble_since_ >= shared_.limits.head) close(*trouble_);
    return;
  }
  if (shared_.closing || (shared_.draining && phase_ == phase::idle)) {
    return close(error{errc::cancelled, "the server is shutting down"});
  }
  if (phase_ == phase::exchange) {
    (void)is_too_slow(now);
    return;
  }
  const auto& limits = shared_.limits;
  const bool first = phase_ == phase::idle && number_ == 0;
  const auto limit = phase_ == phase::idle && !first ? limits.idle : limits.head;
  if (now - since_ < limit) return;
  if (phase_ == phase::head) return time_out("wait for the rest of a request's head", true);
  if (phase_ == phase::idle) return time_out("wait for a request", false);
  time_out("wait for the client to close", false);
}

connection::head_progress connection::begin_head() const {
  const head_limits limits{.bytes = shared_.limits.head_bytes, .fields = shared_.limits.fields};
  return {.limits = limits, .finder = head_finder(limits)};
}

std::optional<parsed<request>> connection::take_head(head_progress& seen) {
  while (seen.empty_lines < empty_lines_max && input_.buffered().starts_with("\r\n")) {
    input_.consume(2);
    ++seen.empty_lines;
  }
  const auto here = input_.buffered();
  if (here.empty()) return std::nullopt;
  const auto size = seen.finder.find(here);
  if (!size) return std::unexpected(size.error());
  if (*size == 0) {
    if (phase_ == phase::idle) enter(phase::head);
    return std::nullopt;
  }
  auto asked = parse_head(here.substr(0, *size), seen.limits);
  input_.consume(*size);
  return asked;
}

awaitable<result<void>> connection::read_head(head_progress& seen,
                                              std::optional<parsed<request>>& asked) {
  for (;;) {
    asked = take_head(seen);
    if (asked) co_return result<void>{};
    const auto got = input_.receive(seen.limits.bytes + 2);
    if (!got) co_return std::unexpected(got.error());
    if (*got > 0) continue;
    const auto readable = co_await input_.wait(1);
    if (readable) continue;
    const bool late = trouble_ && trouble_->code == errc::timed_out && phase_ == phase::head;
    if (!late) co_return std::unexpected(explain(readable.error()));
    asked = std::unexpected(problem(status::request_timeout, trouble_->context));
    co_return result<void>{};
  }
}

// Most connections wait for a request most of the time: this frame is what that costs. So it holds
// nothing of a request. Behind a response hardly anything is there yet, so it does not look before
// it waits.
awaitable<result<void>> connection::run(std::shared_ptr<connection> self) {
  result<void> outcome;
  for (bool goes_on = true; goes_on;) {
    self->enter(phase::idle);
    bool waits = self->number_ > 0 && self->input_.buffered().empty();
    while (waits) {
      boost::system::error_code failed;
      if (self->stream_.is_tls()) {
        if (!self->input_.begin_wait(1)) break;
        std::tie(failed) = co_await self->stream_.readable();
        self->input_.end_wait();
        waits = !failed && self->woken_for_nothing();
      } else {
        if (self->has_.held) self->line_.enter(*self);
        std::size_t got = 0;
        std::tie(failed, got) = co_await self->input_.receive_next(self->shared_.limits.head_bytes);
        self->line_.leave(*self);
        self->input_.end_receive(got);
        waits = false;
        // Who spoke just now does not go parking.
        if (std::exchange(self->parks_, false) && got == 0 && !self->trouble_) {
          self->park();
          co_return result<void>{};
        }
      }
      if (failed == boost::asio::error::operation_aborted) {
        const error why{errc::cancelled, "wait for a request"};
        outcome = std::unexpected(self->explain(why));
        break;
      }
    }
    if (!outcome) break;
    const auto served = co_await self->serve_next();
    if (!served) outcome = std::unexpected(served.error());
    goes_on = served && *served;
  }
  self->watch_.end();
  if (outcome) self->stream_.close_notify();
  self->stream_.close();
  if (!outcome && self->phase_ == phase::idle && is_leave(outcome.error(), self->stream_)) {
    outcome = {};
  }
  if (outcome && self->trouble_) outcome = std::unexpected(*self->trouble_);
  co_return outcome;
}

// Inside TLS, by what is no content; and the first wait of a connection often is.
bool connection::woken_for_nothing() {
  const auto got = input_.receive(shared_.limits.head_bytes);
  return got && *got == 0;
}

// It wakes the coroutine that waits; what came meanwhile wakes the parked connection.
void connection::go_parking() {
  parks_ = true;
  stream_.cancel();
}

void connection::park() {
  watch_.end();
  has_.requests = number_;
  auto kept = std::make_unique<parked_connection>(shared_, std::move(has_));
  net::park(std::move(stream_.socket()), std::move(kept), since_ + shared_.limits.idle);
}

awaitable<result<bool>> connection::serve_next() {
  auto seen = begin_head();
  auto asked = take_head(seen);  // mostly all of it is here
  if (!asked) {
    const auto came = co_await read_head(seen, asked);
    if (!came) co_return std::unexpected(came.error());
  }
  if (*asked) {
    const bool goes_on = co_await serve_one(**asked);
    co_return goes_on;
  }
  base::log_debug("{}: refused a request: {}", to_string(peer_), asked->error().detail);
  response refused(asked->error());
  co_await reject(std::move(refused), false);
  co_return false;
}

awaitable<bool> connection::serve_one(request& asked) {
  phase_ = phase::exchange;  // its time does not count
  receiving_ = sending_ = {};
  asked.peer = peer_;
  asked.is_tls = stream_.is_tls();
  exchange now(*this, std::move(asked), ++number_);
  auto answered = co_await dispatch(now, shared_);
  if (!answered) answered = co_await answer_failure(now, answered.error());
  if (!answered || !now.complete()) {
    close(answered ? error{errc::internal, "a response was not complete"} : answered.error());
    co_return false;
  }
  if (now.handed_over_) co_return false;
  result<bool> at_end = now.body_ended();
  if (!*at_end) at_end = co_await drop_body(now);
  if (at_end && *at_end && !now.closes_ && !trouble_) co_return true;
  if (at_end) co_await linger();
  co_return false;
}

// What a handler could not do, told to the client while nothing else was.
awaitable<result<void>> connection::answer_failure(exchange& now, const error& why) {
  if (now.began() || is_of_the_peer(why.code)) co_return std::unexpected(why);
  if (now.rejection_) {
    now.close_after();
    const response refused(*now.rejection_);
    co_return co_await now.send(refused);
  }
  if (trouble_) now.close_after();
  if (why.code == errc::internal || why.code == errc::io) {
    base::log_warning("{}: {} {}: {}", to_string(peer_), now.asked().method, now.asked().path,
                      why.message());
  }
  const response failed(to_problem(why));
  co_return co_await now.send(failed);
}

// Reads away what a handler left of the body, up to the limit; whether that was all of it.
awaitable<result<bool>> connection::drop_body(exchange& now) {
  if (now.closes_) co_return false;
  std::array<std::byte, 4096> scrap{};
  const std::uint64_t limit = now.body_taken() + shared_.limits.unread_bytes;
  while (!now.body_ended()) {
    if (now.body_taken() > limit) co_return false;
    const auto got = co_await now.read_some(scrap);
    if (!got) {
      if (now.rejection_) co_return false;
      co_return std::unexpected(got.error());
    }
  }
  co_return true;
}

awaitable<void> connection::reject(response refused, bool to_head) {
  ++number_;
  ++shared_.counts.responses.at(static_cast<unsigned>(refused.code()) % 600);
  std::string text(head_begin(refused.code(), shared_.agent));
  text += refused.lines();
  if (refused.code() == status::service_unavailable) text += retry_after;
  text += "Content-Security-Policy: default-src 'none'\r\nConnection: close\r\nContent-Length: " +
          std::to_string(refused.body().size()) + "\r\n\r\n";
  if (!to_head) text += refused.body();
  enter(phase::exchange);
  const auto sent = co_await output_.send(text, {}, false);
  if (sent) co_await linger();
}

// Closing a socket with unread bytes resets the connection, and the response on its way would be
// lost. So our side is ended first, and what still comes is dropped.
awaitable<void> connection::linger() {
  stream_.end_sending();
  enter(phase::lingering);
  input_.consume(input_.buffered().size());
  for (std::size_t dropped = 0; dropped < lingering_bytes_max;) {
    const auto got = stream_.drop();
    if (!got) co_return;
    dropped += *got;
    if (*got > 0) continue;
    const auto readable = co_await input_.wait(1);
    if (!readable) co_return;
  }
}

awaitable<void> connection::run_refusing(std::shared_ptr<connection> self, refusal why) {
  auto seen = self->begin_head();
  std::optional<parsed<request>> asked;
  const auto came = co_await self->read_head(seen, asked);
  if (came) {
    response refused = *asked ? answer_of(why, **asked, self->shared_) : response(asked->error());
    const bool to_head = *asked && (*asked)->method == "HEAD";
    co_await self->reject(std::move(refused), to_head);
  }
  self->watch_.end();
  self->stream_.close_notify();
  self->stream_.close();
}

awaitable<result<void>> serve(net::stream client, service& shared,
                              std::shared_ptr<const void> held) {
  tenancy has{.open = tenancy::count(shared), .held = std::move(held)};
  return connection::run(std::make_shared<connection>(std::move(client), shared, std::move(has)));
}

awaitable<void> refuse(net::stream client, service& shared, refusal why) {
  tenancy has{.open = tenancy::count(shared), .held = {}};
  return connection::run_refusing(
      std::make_shared<connection>(std::move(client), shared, std::move(has)), why);
}

}  // namespace sluice::http
