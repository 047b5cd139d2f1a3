#include "client/plain_link.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <cerrno>

namespace sluice::client {

using boost::system::error_code;

plain_link::plain_link(asio::io_context& io, std::chrono::milliseconds timeout)
    : resolver_(io), acceptor_(io), socket_(io), watchdog_(io), pause_(io), timeout_(timeout) {}

awaitable<result<void>> plain_link::connect(const host_port& where) {
  peer_ = to_string(where);
  if (stopped_) co_return fail(errc::cancelled);
  arm();
  auto [unresolved, addresses] =
      co_await resolver_.async_resolve(where.host, std::to_string(where.port), as_tuple);
  if (stopped_) co_return fail(errc::cancelled);
  if (timed_out_) co_return fail(errc::cannot_connect, "the name was not found in time");
  if (unresolved) co_return fail(errc::cannot_connect, unresolved.message());
  auto [refused, address] = co_await asio::async_connect(socket_, addresses, as_tuple);
  if (stopped_) co_return fail(errc::cancelled);
  if (timed_out_) co_return fail(errc::cannot_connect, "no answer in time");
  if (refused) co_return fail(errc::cannot_connect, refused.message());
  connected();
  co_return result<void>();
}

awaitable<result<void>> plain_link::accept(
    const host_port& where, const std::function<void(const std::string&)>& on_listening) {
  using resolver = asio::ip::basic_resolver<asio::ip::tcp, executor>;
  peer_ = to_string(where);
  if (stopped_) co_return fail(errc::cancelled);
  auto [unresolved, addresses] = co_await resolver_.async_resolve(
      where.host, std::to_string(where.port), resolver::passive, as_tuple);
  if (stopped_) co_return fail(errc::cancelled);
  if (unresolved) co_return fail(errc::cannot_listen, unresolved.message());
  const tcp_endpoint address = addresses.begin()->endpoint();
  error_code failure;
  acceptor_.open(address.protocol(), failure);
  if (!failure) acceptor_.set_option(tcp_acceptor::reuse_address(true), failure);
  if (!failure) acceptor_.bind(address, failure);
  if (!failure) acceptor_.listen(1, failure);
  if (failure) co_return fail(errc::cannot_listen, failure.message());
  if (on_listening) on_listening(to_string(acceptor_.local_endpoint()));
  auto [broken] = co_await acceptor_.async_accept(socket_, as_tuple);
  if (broken) co_return failed(broken);
  acceptor_.close(failure);
  connected();
  co_return result<void>();
}

void plain_link::connected() {
  error_code ignored;
  const tcp_endpoint peer = socket_.remote_endpoint(ignored);
  if (!ignored) peer_ = to_string(peer);
  socket_.native_non_blocking(true, ignored);
}

awaitable<result<std::size_t>> plain_link::read_some(std::span<std::byte> into) {
  arm();
  auto [broken, count] =
      co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), as_tuple);
  if (broken == asio::error::eof && !stopped_ && !timed_out_) co_return 0;
  if (broken) co_return failed(broken);
  co_return count;
}

awaitable<result<void>> plain_link::write(std::span<const std::byte> bytes, bool more) {
  while (!bytes.empty()) {
    arm();
    auto [broken, count] = co_await socket_.async_send(asio::buffer(bytes.data(), bytes.size()),
                                                       more ? MSG_MORE : 0, as_tuple);
    if (broken) co_return failed(broken);
    bytes = bytes.subspan(count);
  }
  co_return result<void>();
}

awaitable<result<std::size_t>> plain_link::send_file(int fd, std::uint64_t offset,
                                                     std::size_t count) {
  arm();
  while (true) {
    auto at = static_cast<off_t>(offset);
    const ssize_t sent = ::sendfile(socket_.native_handle(), fd, &at, count);
    if (sent >= 0) co_return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return failed(error_code(errno, boost::system::system_category()));
    auto [broken] = co_await socket_.async_wait(tcp_socket::wait_write, as_tuple);
    if (broken) co_return failed(broken);
  }
}

// Nothing tells when the last byte is acknowledged, so it is looked at every few milliseconds. The
// end of the peer's side alone does not say it: the peer may have ended that long ago.
awaitable<result<void>> plain_link::finish(std::chrono::milliseconds patience) {
  using clock = std::chrono::steady_clock;
  watchdog_.cancel();
  error_code broken;
  socket_.shutdown(tcp_socket::shutdown_send, broken);
  if (broken) co_return failed(broken);
  int left = unacknowledged();
  auto moved = clock::now();
  while (true) {
    const auto ended = has_ended();
    if (!ended) co_return std::unexpected(ended.error());
    const int still_left = unacknowledged();
    if (still_left == 0 && (*ended || clock::now() - moved >= patience)) co_return result<void>();
    if (still_left != left) moved = clock::now();
    left = still_left;
    if (left > 0 && clock::now() - moved >= timeout_) timed_out_ = true;
    if (stopped_ || timed_out_) co_return failed({});
    pause_.expires_after(std::chrono::milliseconds(5));
    co_await pause_.async_wait(as_tuple);
  }
}

// What the peer says is nothing that this wire knows; it is read so that its end can be seen.
result<bool> plain_link::has_ended() {
  std::array<std::byte, 4096> unheard{};
  while (true) {
    error_code broken;
    const std::size_t count = socket_.read_some(asio::buffer(unheard), broken);
    if (broken == asio::error::eof) return true;
    if (broken == asio::error::would_block) return false;
    if (broken) return failed(broken);
    if (count == 0) return false;
  }
}

int plain_link::unacknowledged() noexcept {
  int bytes = 0;
  return ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

void plain_link::arm() {
  watchdog_.expires_after(timeout_);
  watchdog_.async_wait([this](const error_code& ended) {
    if (ended || watchdog_.expiry() > std::chrono::steady_clock::now()) return;
    timed_out_ = true;
    close();
  });
}

void plain_link::abort() noexcept {
  stopped_ = true;
  watchdog_.cancel();
  pause_.cancel();
  close();
}

void plain_link::close() noexcept {
  error_code ignored;
  resolver_.cancel();
  acceptor_.close(ignored);
  socket_.close(ignored);
}

std::unexpected<error> plain_link::failed(const error_code& why) const {
  if (stopped_) return fail(errc::cancelled);
  if (timed_out_) {
    return fail(errc::timed_out, fmt::format("nothing moved for {:g} s", timeout_.count() / 1e3));
  }
  return fail_errno(why.value(), "");
}

}  // namespace sluice::client
