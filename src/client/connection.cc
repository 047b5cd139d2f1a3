#include "client/connection.h"

#include <fmt/format.h>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "client/connect_to.h"
#include "wire/error_message.h"
#include "wire/message.h"
#include "wire/preface.h"

namespace sluice::client {
namespace {

constexpr std::string_view agent = "sluice/0.1.0";

std::span<const std::byte, wire::preface_bytes> as_preface(std::span<const std::byte> bytes) {
  return bytes.first<wire::preface_bytes>();
}

}  // namespace

awaitable<result<void>> request::on_block(wire::frame_head, wire::block_head, connection&) {
  co_return fail(errc::bad_frame, "a BLOCK in a reply that has none");
}

awaitable<void> request::until_room() { co_return; }

connection::connection(session& owner, url server, net::stream peer)
    : session_(owner),
      server_(std::move(server)),
      stream_(std::move(peer)),
      reader_(stream_, wire::side::server),
      writer_(stream_),
      pace_(owner.where()),
      watch_timer_(owner.where()),
      heard_(std::chrono::steady_clock::now()) {
  pace_.use(owner.pace());
  writer_.keep(owner.pace());
  session_.connections_.push_back(this);
}

connection::~connection() { std::erase(session_.connections_, this); }

awaitable<result<std::shared_ptr<connection>>> connection::open(session& owner, url server) {
  auto peer = co_await connect_to(owner, server, speech::native);
  if (!peer) co_return std::unexpected(std::move(peer.error()));
  auto made = std::make_shared<connection>(owner, std::move(server), std::move(*peer));
  made->spawn(write(made));
  made->spawn(watch(made));
  auto greeted = co_await made->greet();
  if (!greeted) {
    made->close(greeted.error());
    co_return std::unexpected(made->why());
  }
  made->spawn(read(made));
  co_return made;
}

void connection::spawn(awaitable<void> part) {
  asio::co_spawn(session_.where(), std::move(part),
                 [&owner = session_](const std::exception_ptr& thrown) {
                   if (thrown) owner.threw(thrown);
                 });
}

awaitable<result<void>> connection::greet() {
  writer_.send_bytes(wire::encode_client_preface());
  v1::Hello hello;
  hello.set_agent(std::string(agent));
  // Version 1 is all that we speak: HELLO need not wait for the answer.
  writer_.send(wire::kind::hello, 0, wire::no_flags, hello);
  auto preface = co_await read_preface();
  if (!preface) co_return preface;
  auto answered = co_await read_hello();
  if (!answered) co_return answered;
  auto known = co_await log_in();
  co_return known;
}

// With the token for this server, where there is one. A server without accounts lets everybody in.
awaitable<result<void>> connection::log_in() {
  const auto* key = session_.key_for(server_);
  if (key == nullptr || !has("login")) co_return result<void>{};
  v1::Login message;
  if (const auto* password = session_.password_for(server_); password != nullptr) {
    message.set_account(std::string(key->reveal()));
    message.set_password(std::string(password->reveal()));
  } else {
    message.set_token(std::string(key->reveal()));
  }
  const auto number = next_number_++;
  writer_.send(wire::kind::login, number, wire::no_flags, message);
  base::wipe(*message.mutable_token());
  base::wipe(*message.mutable_account());
  base::wipe(*message.mutable_password());
  auto head = co_await reader_.next();
  if (!head) co_return std::unexpected(std::move(head.error()));
  auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(std::move(body.error()));
  if (head->kind == wire::kind::ok && head->request == number) co_return result<void>{};
  if (head->kind != wire::kind::error) co_return fail(errc::bad_frame, "no answer to LOGIN");
  const auto told = wire::parse_message<v1::Error>(head->kind, *body);
  if (!told) co_return std::unexpected(told.error());
  co_return std::unexpected(wire::from_wire(*told));
}

awaitable<result<void>> connection::read_preface() {
  auto bytes = co_await reader_.raw(wire::preface_bytes);
  if (!bytes) co_return std::unexpected(std::move(bytes.error()));
  const auto answer = wire::parse_server_preface(as_preface(*bytes));
  if (!answer) co_return fail(errc::bad_frame, "this is no sluice server");
  const auto version = wire::accept_answer(*answer);
  if (!version) co_return std::unexpected(version.error());
  co_return result<void>{};
}

awaitable<result<void>> connection::read_hello() {
  auto head = co_await reader_.next();
  if (!head) co_return std::unexpected(std::move(head.error()));
  auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(std::move(body.error()));
  if (head->kind == wire::kind::error) {
    const auto told = wire::parse_message<v1::Error>(head->kind, *body);
    if (!told) co_return std::unexpected(told.error());
    co_return std::unexpected(wire::from_wire(*told));
  }
  if (head->kind != wire::kind::hello) co_return fail(errc::bad_frame, "no HELLO at the start");
  const auto hello = wire::parse_message<v1::Hello>(head->kind, *body);
  if (!hello) co_return std::unexpected(hello.error());
  if (hello->block_bytes() != base::block_bytes) {
    co_return fail(errc::unsupported,
                   fmt::format("the server's blocks have {} bytes", hello->block_bytes()));
  }
  max_requests_ = std::clamp<std::size_t>(hello->max_requests(), 1, 65'536);
  features_.insert(hello->features().begin(), hello->features().end());
  offers_ = hello->offers();
  co_return result<void>{};
}

std::uint32_t connection::begin(wire::kind what, const google::protobuf::MessageLite& message,
                                std::shared_ptr<request> handler) {
  if (lost_) {
    handler->on_failed(*lost_, true);
    return 0;
  }
  const auto number = next_number_++;
  open_.emplace(number, std::move(handler));
  writer_.send(what, number, wire::no_flags, message);
  return number;
}

void connection::send(wire::kind what, std::uint32_t number,
                      const google::protobuf::MessageLite& message) {
  if (!lost_) writer_.send(what, number, wire::no_flags, message);
}

awaitable<void> connection::read(self me) {
  while (!me->lost_) {
    auto head = co_await me->reader_.next();
    if (!head) {
      me->close(head.error());
      break;
    }
    auto handled = co_await me->dispatch(*head);
    if (!handled) me->close(handled.error());
    if (me->pace_.is_on()) co_await me->keep_pace();
  }
}

awaitable<void> connection::keep_pace() {
  const auto arrived = reader_.bytes_arrived();
  pace_.passed(arrived - std::exchange(paced_bytes_, arrived));
  const standstill ours(*this);
  if (pace_.is_due()) co_await pace_.rest();
}

awaitable<void> connection::write(self me) {
  co_await me->writer_.run();
  if (me->writer_.failure()) me->close(*me->writer_.failure());
}

awaitable<result<void>> connection::dispatch(wire::frame_head head) {
  if (wire::is_skippable(head) && !wire::is_known(head.kind)) co_return result<void>{};
  if (head.request != 0 && head.kind != wire::kind::ping && head.kind != wire::kind::pong) {
    auto handled = co_await to_request(head);
    co_return handled;
  }
  auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(std::move(body.error()));
  if (head.kind == wire::kind::ping) co_return answer_ping(head, *body);
  if (head.kind == wire::kind::pong) co_return result<void>{};
  if (head.kind != wire::kind::error) co_return fail(errc::bad_frame, "a second HELLO");
  const auto told = wire::parse_message<v1::Error>(head.kind, *body);
  if (!told) co_return std::unexpected(told.error());
  co_return std::unexpected(wire::from_wire(*told));
}

result<void> connection::answer_ping(const wire::frame_head& head,
                                     std::span<const std::byte> body) {
  std::vector<std::byte> pong;
  auto made = wire::append_frame(pong, wire::kind::pong, head.request, wire::no_flags, body);
  if (made) writer_.send_bytes(pong);
  return made;
}

awaitable<result<void>> connection::to_request(wire::frame_head head) {
  const auto found = open_.find(head.request);
  if (found == open_.end()) {
    // Replies to what was given up are read over; what was never asked is a violation.
    if (head.request < next_number_) co_return result<void>{};
    co_return fail(errc::bad_frame, "a reply to no request");
  }
  const auto handler = found->second;  // kept: the request may be over before this is
  if (head.kind == wire::kind::block) {
    auto block = co_await reader_.block();
    if (!block) co_return std::unexpected(std::move(block.error()));
    auto taken = co_await handler->on_block(head, *block, *this);
    if (taken && head.is_last()) open_.erase(head.request);
    co_return taken;
  }
  auto body = co_await reader_.body();
  if (!body) co_return std::unexpected(std::move(body.error()));
  if (head.kind == wire::kind::error) {
    open_.erase(head.request);
    const auto told = wire::parse_message<v1::Error>(head.kind, *body);
    if (!told) co_return std::unexpected(told.error());
    handler->on_failed(wire::from_wire(*told), false);
    co_return result<void>{};
  }
  auto taken = handler->on_message(head, *body);
  if (taken && head.is_last()) open_.erase(head.request);
  if (taken && handler->is_full()) {
    const standstill ours(*this);
    co_await handler->until_room();
  }
  co_return taken;
}

awaitable<void> connection::watch(self me) {
  const auto step = std::clamp(me->session_.timeout() / 8, std::chrono::milliseconds{5},
                               std::chrono::milliseconds{5'000});
  while (!me->lost_) {
    me->watch_timer_.expires_after(step);
    co_await me->watch_timer_.async_wait(as_tuple);
    if (!me->lost_) me->look_at_silence();
  }
}

// Signs of life: what arrived, and what the peer's kernel made room for. Our own PINGs are none.
void connection::look_at_silence() {
  const auto now = std::chrono::steady_clock::now();
  const auto life = reader_.bytes_arrived() + writer_.bytes_sent() - pings_ * wire::head_bytes;
  if (life > life_seen_ || standing_ > 0 || writer_.is_resting()) {
    life_seen_ = std::max(life_seen_, life);
    heard_ = now;
    ping_sent_ = false;
    return;
  }
  const auto silence = now - heard_;
  if (silence >= session_.timeout()) {
    return close({.code = errc::timed_out,
                  .context = fmt::format("no sign of life for {} ms", session_.timeout().count())});
  }
  if (ping_sent_ || silence < session_.timeout() / 2) return;
  ping_sent_ = true;
  std::vector<std::byte> ping;
  if (!wire::append_frame(ping, wire::kind::ping, 0, wire::no_flags, {})) return;
  ++pings_;
  writer_.send_bytes(ping);
}

error connection::named(const error& why) const {
  auto context = server_.authority();
  if (!why.context.empty()) context += ": " + why.context;
  const auto code = why.code == errc::end_of_stream ? errc::broken_stream : why.code;
  return {.code = code, .context = std::move(context)};
}

void connection::close(const error& why) {
  if (lost_) return;
  lost_ = named(why);
  std::erase(session_.connections_, this);
  stream_.close_notify();
  stream_.close();
  writer_.abort(*lost_);
  pace_.end();
  watch_timer_.cancel();
  const auto told = std::exchange(open_, {});
  for (const auto& [number, handler] : told) handler->on_failed(*lost_, true);
}

}  // namespace sluice::client
