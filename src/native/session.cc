#include "native/session.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>

#include "base/log.h"
#include "native/gets.h"
#include "native/put.h"
#include "native/requests.h"
#include "native/small_puts.h"
#include "native/talks.h"
#include "net/address_key.h"
#include "net/on_pool.h"
#include "net/path_tuning.h"
#include "wire/error_message.h"
#include "wire/preface.h"

namespace sluice::native {
namespace {

using std::chrono::steady_clock;

// Requests of one connection that run at the same time; more are not read meanwhile. PUTs do not
// count: they wait for blocks.
constexpr std::size_t max_running = 16;

bool is_violation(errc code) {
  return code == errc::bad_frame || code == errc::frame_too_large || code == errc::unsupported;
}

}  // namespace

session::session(net::stream client, service& shared)
    : stream_(std::move(client)),
      shared_(shared),
      caller_(shared.offered != nullptr ? shared.offered->receiver : shared.gate.stranger(from())),
      here_(std::in_place, shared.visitors, stream_.socket().native_handle(), caller_,
            std::string_view()),
      pace_(stream_.get_executor()),
      where_(stream_.get_executor()),
      reader_(stream_, wire::side::client),
      writer_(stream_),
      changed_(where_),
      watchdog_(where_),
      small_(std::make_unique<small_puts>(*this)),
      gets_(std::make_unique<gets>(*this)),
      talks_(std::make_unique<native::talks>(*this)) {
  net::tune(stream_.socket());
  started_ = arrived_.since = sent_.since = steady_clock::now();
}

session::~session() = default;

tcp_endpoint session::peer() const {
  boost::system::error_code gone;
  return stream_.socket().remote_endpoint(gone);
}

base::origin session::from() const { return {net::plain_address(peer()), "native"}; }

void session::reply_error(std::uint32_t request, const error& why, std::string_view path) {
  std::vector<std::byte> frame;
  wire::append_error(frame, request, why, path);
  writer_.send_bytes(frame);
}

void session::start(awaitable<void> work) {
  ++running_;
  boost::asio::co_spawn(where_, std::move(work),
                        [self = shared_from_this()](const std::exception_ptr& thrown) {
                          --self->running_;
                          self->changed_.notify_all();
                          if (!thrown) return;
                          try {
                            std::rethrow_exception(thrown);
                          } catch (const std::exception& bug) {
                            self->fail_session(error{errc::internal, bug.what()});
                          }
                        });
}

void session::post(std::move_only_function<void()> step) {
  boost::asio::post(where_, [self = shared_from_this(), step = std::move(step)]() mutable {
    step();
    self->left();
  });
}

void session::fail_session(error why) {
  if (!trouble_) trouble_ = std::move(why);
  close();
}

// Wakes everything that waits for the peer; what runs elsewhere ends by itself.
void session::close() {
  ended_ = true;
  if (!trouble_) stream_.close_notify();
  stream_.cut();
  writer_.abort(error{errc::cancelled, "the connection was closed"});
  watchdog_.cancel();
  pace_.end();
  changed_.notify_all();
}

awaitable<result<void>> session::handshake() {
  const auto bytes = co_await reader_.raw(wire::preface_bytes);
  if (!bytes) co_return std::unexpected(bytes.error());
  const auto client =
      wire::parse_client_preface(std::span<const std::byte, wire::preface_bytes>(*bytes));
  if (!client) co_return std::unexpected(client.error());
  const auto answer = wire::answer_to(*client);
  writer_.send_bytes(wire::encode_server_preface(answer));
  if (answer.chosen == 0) {
    co_return fail(errc::unsupported, wire::refusal_text(*client, wire::spoken_versions));
  }
  agreed_ = true;
  const auto head = co_await reader_.next();
  if (!head) co_return std::unexpected(head.error());
  if (head->kind != wire::kind::hello)
    co_return fail(errc::bad_frame, "the first frame is no HELLO");
  const auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(body.error());
  const auto hello = wire::parse_message<v1::Hello>(head->kind, *body);
  if (!hello) co_return std::unexpected(hello.error());

  v1::Hello ours;
  ours.set_agent(shared_.agent);
  ours.add_features("scrub");
  ours.add_features("login");
  ours.add_features("talk");
  if (shared_.offered != nullptr) ours.set_offers(shared_.offered->path);
  ours.set_max_control_bytes(wire::max_control_body_bytes);
  ours.set_block_bytes(base::block_bytes);
  ours.set_max_requests(static_cast<std::uint32_t>(shared_.limits.max_requests));
  ours.set_idle_timeout_ms(static_cast<std::uint32_t>(shared_.limits.idle.count()));
  ours.set_stall_timeout_ms(static_cast<std::uint32_t>(shared_.limits.stall.count()));
  writer_.send(wire::kind::hello, 0, 0, ours);
  greeted_ = true;
  co_return result<void>{};
}

awaitable<result<void>> session::read_requests() {
  while (!ended_) {
    if (!reader_.more_here()) {
      small_->flush_soon();
      gets_->flush();
    }
    const auto head = co_await reader_.next();
    if (!head) co_return std::unexpected(head.error());
    auto handled = co_await handle(*head);
    if (!handled) co_return handled;
    // A client that does not take its replies is not read.
    auto room = co_await writer_.room();
    if (!room) co_return room;
    if (pace_.is_on()) co_await keep_pace();
  }
  co_return result<void>{};
}

awaitable<result<void>> session::handle(const wire::frame_head& head) {
  using wire::kind;
  if (head.kind == kind::hello) co_return fail(errc::bad_frame, "a second HELLO");
  if (head.kind == kind::ping) co_return co_await answer_ping(head);
  if (head.kind == kind::block || wire::belongs_to_put(head.kind)) {
    co_return co_await continue_put(head);
  }
  if (wire::begins_request(head.kind)) co_return co_await begin_request(head);
  co_return result<void>{};  // PONG, and what may be skipped
}

awaitable<result<void>> session::answer_ping(const wire::frame_head& head) {
  const auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(body.error());
  std::vector<std::byte> frame;
  auto made = wire::append_frame(frame, wire::kind::pong, head.request, wire::no_flags, *body);
  if (made) writer_.send_bytes(frame);
  co_return made;
}

awaitable<result<void>> session::begin_request(const wire::frame_head& head) {
  if (head.request <= last_request_) {
    co_return fail(errc::bad_frame, "request number " + std::to_string(head.request) + " again");
  }
  last_request_ = head.request;
  const auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(body.error());
  if (shared_.draining) {
    reply_error(head.request, error{errc::cancelled, "the server is shutting down"});
    co_return result<void>{};
  }
  if (puts_.size() + running_ + small_->open() + gets_->open() >= shared_.limits.max_requests) {
    reply_error(head.request, error{errc::busy, "too many open requests on this connection"});
    co_return result<void>{};
  }
  if (head.kind == wire::kind::put) {
    auto message = wire::parse_message<v1::Put>(head.kind, *body);
    if (!message) co_return std::unexpected(message.error());
    if (message->whole()) {
      small_->begin(head.request, std::move(*message));
      co_return result<void>{};
    }
    auto opened = co_await put::open(shared_from_this(), head.request, std::move(*message));
    if (opened) puts_.emplace(head.request, std::move(opened));
    co_return result<void>{};
  }
  if (head.kind == wire::kind::get) {
    auto message = wire::parse_message<v1::Get>(head.kind, *body);
    if (!message) co_return std::unexpected(message.error());
    co_await gets_->begin(head.request, std::move(*message));
    co_return result<void>{};
  }
  if (head.kind == wire::kind::login) {
    auto message = wire::parse_message<v1::Login>(head.kind, *body);
    if (!message) co_return std::unexpected(message.error());
    co_await log_in(head.request, std::move(*message));
    co_return result<void>{};
  }
  auto request = make_request(shared_from_this(), head, *body);
  if (!request) co_return std::unexpected(request.error());
  while (running_ >= max_running && !ended_) co_await changed_.wait();
  start(std::move(*request));
  co_return result<void>{};
}

// What was asked before is answered for whom asked it.
awaitable<void> session::log_in(std::uint32_t request, v1::Login message) {
  small_->flush();
  gets_->flush();
  base::secret token(std::move(*message.mutable_token()));
  base::secret password(std::move(*message.mutable_password()));
  if (token.empty() == message.account().empty()) {
    const error why{errc::invalid_argument, "LOGIN needs a token or an account, and not both"};
    co_return reply_error(request, why);
  }
  auto checking = check(std::move(token), message.account(), std::move(password));
  auto who = co_await std::move(checking);
  if (!who) co_return reply_error(request, who.error().why);
  auto budget = shared_.gate.accounts().budget_of((*who)->id());
  // Leaves its place before it takes one: who logs in again needs no second one.
  place_ = base::budget_place();
  auto here = base::budget_place::take(budget);
  if (!here) {
    auto back = base::budget_place::take(shared_.gate.accounts().budget_of(caller_->id()));
    if (back) place_ = std::move(*back);
    co_return reply_error(request, here.error());
  }
  caller_ = std::move(*who);
  here_->is(caller_);
  place_ = std::move(*here);
  keep_pace_of(std::move(budget));
  shared_.gate.note_login(*caller_);
  writer_.send(wire::kind::ok, request, wire::last, v1::Ok());
}

// What is read and what is sent, together.
void session::keep_pace_of(base::budget_ptr whose) {
  net::pace::meter by;
  if (whose && whose->has_rate()) {
    by = [whose = std::move(whose)](std::uint64_t bytes) {
      return whose->pass(bytes, base::budget::clock::now());
    };
  }
  paced_bytes_ = reader_.bytes_arrived();
  pace_.use(by);
  writer_.keep(std::move(by));
}

awaitable<void> session::keep_pace() {
  if (!pace_.is_on()) co_return;
  const auto arrived = reader_.bytes_arrived();
  pace_.passed(arrived - std::exchange(paced_bytes_, arrived));
  if (pace_.is_due()) co_await pace_.rest();
}

awaitable<access::login> session::check(base::secret token, std::string account,
                                        base::secret password) {
  const auto here = from();
  if (!token.empty()) {
    auto who = shared_.gate.by_token(token, here);
    if (who || !who.error().must_count) co_return who;
    co_return co_await net::on_pool(
        shared_.pool, [this, &token, &here] { return shared_.gate.by_link(token, here); });
  }
  const auto address = net::address_key(peer());
  const auto start = [&](const auto& complete) {
    shared_.gate.by_password(
        std::move(account), std::move(password), address,
        [complete](access::login who) { complete(std::move(who)); }, here);
  };
  co_return co_await net::from_callback<access::login>(start);
}

awaitable<result<void>> session::continue_put(const wire::frame_head& head) {
  if (small_->expects(head.request)) co_return co_await small_->take(head);
  const auto found = puts_.find(head.request);
  if (found == puts_.end()) {  // over already: dropped
    if (head.request <= last_request_) co_return result<void>{};
    co_return fail(errc::bad_frame, "no PUT has request number " + std::to_string(head.request));
  }
  const std::shared_ptr<put> current = found->second;
  co_return co_await current->take(head);
}

bool session::is_idle() const noexcept {
  return running_ == 0 && inside_ == 0 && puts_.empty() && small_->open() == 0 &&
         gets_->open() == 0;
}

result<void> session::check_progress(steady_clock::time_point now) {
  const auto& limits = shared_.limits;
  if (const auto bytes = reader_.bytes_arrived(); bytes != arrived_.bytes || !reader_.waiting()) {
    arrived_ = {bytes, now};
  }
  if (const auto bytes = writer_.bytes_sent(); bytes != sent_.bytes) {
    sent_ = {bytes, now};
    idle_since_ = now;
  } else if (writer_.idle() || writer_.is_resting()) {
    sent_.since = now;
  }
  if (lingering_since_ && now - *lingering_since_ >= limits.handshake) {
    return fail(errc::timed_out, "wait for the peer to close");
  }
  if (!greeted_ && now - started_ >= limits.handshake) {
    return fail(errc::timed_out, "wait for the preface and HELLO");
  }
  if (reader_.inside_frame() && now - arrived_.since >= limits.stall) {
    return fail(errc::timed_out, "wait for the rest of a frame");
  }
  if (now - sent_.since >= limits.stall) {
    return fail(errc::timed_out, "wait for the peer to take its replies");
  }
  if (is_idle() && now - std::max(arrived_.since, idle_since_) >= limits.idle) {
    return fail(errc::timed_out, "nothing asked");
  }
  if (shared_.closing || (shared_.draining && is_idle())) {
    return fail(errc::cancelled, "the server is shutting down");
  }
  return {};
}

// Looks a few times within the shortest deadline, at least once a second.
awaitable<void> session::watch() {
  const auto& limits = shared_.limits;
  const auto shortest = std::min({limits.handshake, limits.idle, limits.stall});
  const auto pause = std::clamp<std::chrono::milliseconds>(
      shortest / 8, std::chrono::milliseconds(5), std::chrono::seconds(1));
  while (!ended_) {
    watchdog_.expires_after(pause);
    co_await watchdog_.async_wait(as_tuple);
    if (ended_) break;
    talks_->look(steady_clock::now());
    if (auto fine = check_progress(steady_clock::now()); !fine) {
      fail_session(std::move(fine.error()));
    }
  }
}

// Lets what runs come to its end, sends what is left to be said, and closes.
awaitable<void> session::finish() {
  small_->flush();
  gets_->flush();
  for (const auto& [request, open] : puts_) open->leave();
  puts_.clear();
  talks_->end();
  while (!talks_->is_over() || running_ > 0 || inside_ > 0 || small_->unanswered() > 0)
    co_await changed_.wait();
  if (!ended_) {
    if (violation_) reply_error(0, *violation_);  // nothing follows it
    const auto drained = co_await writer_.drained();
    if (!drained && !trouble_) trouble_ = drained.error();
    if (drained && violation_) co_await linger();
  }
  close();
}

// Closing a socket with unread bytes resets the connection, and the ERROR on its way would be lost.
// So our side is ended first, and what still comes is dropped: until the peer closes, or as long as
// a handshake may take.
awaitable<void> session::linger() {
  stream_.end_sending();
  lingering_since_ = steady_clock::now();
  while (!ended_ && reader_.drop_arrived()) {
    const auto more = co_await reader_.wait_arrival();
    if (!more) break;
  }
}

awaitable<result<void>> session::run() {
  auto self = shared_from_this();
  // The writer and the watchdog are waited for like requests, but with counters of their own.
  std::size_t helpers = 2;
  const auto ended = [self, &helpers](const std::exception_ptr& thrown) {
    --helpers;
    self->changed_.notify_all();
    if (thrown) self->fail_session(error{errc::internal, "the writer or the watchdog threw"});
  };
  boost::asio::co_spawn(where_, writer_.run(), ended);
  boost::asio::co_spawn(where_, watch(), ended);

  auto outcome = co_await handshake();
  if (outcome) outcome = co_await read_requests();
  if (!outcome && is_violation(outcome.error().code) && agreed_) violation_ = outcome.error();
  if (!outcome && !trouble_ && outcome.error().code != errc::end_of_stream)
    trouble_ = outcome.error();
  co_await finish();
  while (helpers > 0) co_await changed_.wait();
  here_.reset();
  stream_.close();
  if (trouble_) co_return std::unexpected(*trouble_);
  co_return result<void>{};
}

awaitable<result<void>> serve(net::stream client, service& shared) {
  auto current = std::make_shared<session>(std::move(client), shared);
  auto outcome = co_await current->run();
  co_return outcome;
}

}  // namespace sluice::native
