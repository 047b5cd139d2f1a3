#include "client/session.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "client/connection.h"
#include "client/requests.h"

namespace sluice::client {
namespace {

std::size_t disk_threads() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 4);
}

}  // namespace

session::session(const session_options& options, observer& watcher)
    : options_(options),
      disk_(disk_threads()),
      meter_(watcher, io_.get_executor()),
      stopped_(io_.get_executor()),
      rate_(options.bytes_per_second) {}

session::~session() = default;

net::pace::meter session::pace() {
  if (rate_.bytes_per_second() == 0) return {};
  return [this](std::uint64_t bytes) { return rate_.pass(bytes, base::rate::clock::now()); };
}

net::tls_client* session::tls() {
  if (!tls_) {
    if (auto made = net::tls_client::make()) tls_ = std::move(*made);
  }
  return tls_.get();
}

bool session::trusts(const std::string& place, const std::string& fingerprint) const {
  const auto found = trusted_.find(place);
  return found != trusted_.end() && found->second == fingerprint;
}

void session::run_to_end() {
  // The callback may run on any thread, also inside this constructor.
  const std::stop_callback on_stop(options_.stop, [this] {
    stopping_.store(true, std::memory_order_relaxed);
    asio::post(io_, [this] { stop(); });
  });
  io_.run();
  disk_.join();
  meter_.finish();
  if (thrown_) std::rethrow_exception(thrown_);
}

result<void> session::meet(net::direct_options options) {
  auto opened = net::direct_door::open(io_, std::move(options));
  if (!opened) return std::unexpected(opened.error());
  door_ = std::move(*opened);
  return {};
}

void session::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (door_) door_->close();
  close_all({.code = errc::cancelled, .context = {}});
  stopped_.notify_all();
}

void session::end() {
  if (door_) door_->close();
  close_all({.code = errc::cancelled, .context = {}});
  meter_.end();
}

void session::close_all(const error& why) {
  while (!connections_.empty()) connections_.back()->close(why);
  idle_.clear();
}

void session::threw(const std::exception_ptr& thrown) {
  if (!thrown_) thrown_ = thrown;
  stop();
  // Somebody may wait for what will never come: nothing runs any more, and run() throws.
  io_.stop();
}

awaitable<result<std::shared_ptr<connection>>> session::open(url where) {
  while (!idle_.empty() && !stopping()) {
    const auto found = std::ranges::find_if(idle_, [&](const auto& c) { return c->serves(where); });
    if (found == idle_.end()) break;
    auto taken = std::move(*found);
    idle_.erase(found);
    if (!taken->lost()) co_return taken;
  }
  auto made = co_await connection::open(*this, where);
  co_return made;
}

void session::give_back(std::shared_ptr<connection> idle) {
  if (!idle || idle->lost()) return;
  // What nobody waits for any more would only be in the next one's way.
  if (idle->open_requests() > 0) return idle->close({.code = errc::cancelled, .context = {}});
  idle_.push_back(std::move(idle));
}

awaitable<void> session::rest(std::chrono::milliseconds pause) {
  steady_timer timer(io_, pause);
  std::optional<bool> over;
  timer.async_wait([&](const boost::system::error_code&) {
    over = true;
    stopped_.notify_all();
  });
  while (!over) {
    if (stopping()) timer.cancel();
    co_await stopped_.wait();
  }
}

awaitable<bool> patience::once_more(error why) {
  const auto& pauses = session_.retries().pauses;
  if (!is_of_connection(why)) co_return false;
  if (session_.stopping() || failures_ >= pauses.size()) co_return false;
  co_await session_.rest(pauses[failures_++]);
  co_return !session_.stopping();
}

}  // namespace sluice::client
