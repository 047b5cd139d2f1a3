#include "net/direct_door.h"

#include <utility>

#include "base/log.h"
#include "net/path_tuning.h"
#include "net/tls_link.h"
#include "net/watch.h"
#include "sluice/connect.h"

namespace sluice::net {

// While it lives, `close` cuts the stream, and so does the end of the time for it.
class direct_door::handshake final : private watched {
 public:
  handshake(direct_door& at, stream& of)
      : all_(at.handshakes_),
        of_(of),
        end_(std::chrono::steady_clock::now() + at.options_.timeout),
        place_(all_->insert(all_->end(), &of)),
        watch_(of.get_executor(), *this, pause_for(at.options_.timeout)) {}
  ~handshake() { all_->erase(place_); }

  [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  void look(std::chrono::steady_clock::time_point now) override {
    if (now >= end_) of_.cut();
  }

  const std::shared_ptr<std::list<stream*>> all_;
  stream& of_;
  const std::chrono::steady_clock::time_point end_;
  const std::list<stream*>::iterator place_;
  const watch watch_;
};

direct_door::direct_door(asio::io_context& io, direct_options options,
                         std::unique_ptr<direct_tls> tls)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      handshakes_(std::make_shared<std::list<stream*>>()),
      changed_(io.get_executor()) {}

direct_door::~direct_door() = default;

result<std::unique_ptr<direct_door>> direct_door::open(asio::io_context& io,
                                                       direct_options options) {
  auto tls = direct_tls::make(*options.key, options.role, options.listens);
  if (!tls) return std::unexpected(tls.error());
  std::unique_ptr<direct_door> made(new direct_door(io, std::move(options), std::move(*tls)));
  if (!made->options_.listens) return made;
  listener_options listening;
  listening.max_connections = handshakes_max;
  listening.hooks.on_end = [](const session_end&) {};
  listening.hooks.on_trouble = [](const error& why) { base::log_warning("{}", why.message()); };
  auto opened = listener::open(io, made->options_.where, std::move(listening));
  if (!opened) return std::unexpected(opened.error());
  made->options_.where.port = opened->local_endpoint().port();
  if (made->options_.on_listening) made->options_.on_listening(made->options_.where);
  made->listener_ = std::move(*opened);
  made->listener_->serve(socket_session(
      [at = made.get()](tcp_socket socket) { return at->let_in(std::move(socket)); }));
  return made;
}

awaitable<result<std::string>> direct_door::prove(stream& peer) {
  tune(peer.socket());
  const handshake limit(*this, peer);
  auto caller = co_await tls_->shake_hands_with(peer);
  if (!caller && limit.is_late()) co_return fail(errc::timed_out, "wait for the TLS handshake");
  co_return caller;
}

// Who does not get in is nobody's trouble but its own.
awaitable<void> direct_door::let_in(tcp_socket socket) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  boost::system::error_code gone;
  const auto from = socket.remote_endpoint(gone);
  stream peer(std::move(socket));
  const auto caller = co_await prove(peer);
  if (caller && !closed_) co_return admit(std::move(peer), *caller);
  if (!caller) base::log_debug("{}: not let in: {}", to_string(from), caller.error().message());
}

void direct_door::admit(stream peer, const std::string& caller) {
  std::erase_if(waiting_, [](stream& one) { return one.peer_ended(); });
  auto guest = guest_.lock();
  if (guest && *guest != caller) {
    if (on_late_) on_late_(std::move(peer));
    return;
  }
  if (waiting_.size() >= waiting_max) return;
  if (!guest) guest_ = guest = std::make_shared<const std::string>(caller);
  peer.tls().keep(std::move(guest));
  waiting_.push_back(std::move(peer));
  changed_.notify_all();
}

awaitable<result<stream>> direct_door::call() {
  const std::string what = "connect to " + to_string(options_.where);
  if (closed_) co_return fail(errc::cancelled, what);
  connect_options calling;
  calling.timeout = options_.timeout;
  auto socket = co_await connect_socket(options_.where, calling);
  if (!socket) co_return std::unexpected(std::move(socket.error()));
  stream peer(std::move(*socket));
  if (closed_) co_return fail(errc::cancelled, what);
  const auto proved = co_await prove(peer);
  if (proved) co_return result<stream>(std::move(peer));
  error why = proved.error();
  if (closed_) why.code = errc::cancelled;
  if (why.code == errc::end_of_stream) why.code = errc::broken_stream;
  why.context = to_string(options_.where) + ": " + why.context;
  co_return std::unexpected(std::move(why));
}

awaitable<result<stream>> direct_door::next() {
  if (!options_.listens) co_return co_await call();
  while (waiting_.empty() && !closed_) co_await changed_.wait();
  if (closed_) co_return fail(errc::cancelled, "wait for the other side");
  result<stream> taken(std::move(waiting_.front()));
  waiting_.pop_front();
  co_return taken;
}

void direct_door::close() noexcept {
  if (std::exchange(closed_, true)) return;
  if (listener_) listener_->stop();
  for (stream* const each : *handshakes_) each->cut();
  waiting_.clear();
  changed_.notify_all();
}

}  // namespace sluice::net
