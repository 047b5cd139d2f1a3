#include "sluice/listener.h"

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <stdexcept>
#include <utility>

#include "frame/listener_core.h"

namespace sluice {

namespace {

using boost::system::error_code;
using addresses = std::vector<tcp_endpoint>;

result<addresses> addresses_of(asio::io_context& io, const host_port& where) {
  if (where.host.empty())
    return addresses{{asio::ip::address_v6::any(), where.port},
                     {asio::ip::address_v4::any(), where.port}};
  error_code failed;
  const auto literal = asio::ip::make_address(where.host, failed);
  if (!failed) return addresses{{literal, where.port}};

  asio::ip::tcp::resolver resolver(io);
  const auto entries = resolver.resolve(
      where.host, std::to_string(where.port),
      asio::ip::tcp::resolver::passive | asio::ip::tcp::resolver::numeric_service, failed);
  if (failed)
    return fail(errc::cannot_listen, "look up " + to_string(where) + ": " + failed.message());
  addresses found;
  for (const auto& entry : entries) found.push_back(entry.endpoint());
  return found;
}

// Opens, binds and listens; throws boost::system::system_error.
tcp_acceptor listen_on(asio::io_context& io, const tcp_endpoint& where, bool every, int backlog) {
  tcp_acceptor acceptor(io.get_executor(), where.protocol());
  acceptor.set_option(tcp_acceptor::reuse_address(true));
  if (every && where.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false));
  acceptor.bind(where);
  acceptor.listen(backlog);
  return acceptor;
}

result<std::shared_ptr<listener_core>> open_core(asio::io_context& io, const host_port& where,
                                                 listener_options options) {
  const std::string attempt = "listen on " + to_string(where);
  if (options.backlog < 1) return fail(errc::invalid_argument, attempt + ": backlog below 1");
  if (options.max_connections < 1)
    return fail(errc::invalid_argument, attempt + ": max_connections below 1");
  auto candidates = addresses_of(io, where);
  if (!candidates) return std::unexpected(std::move(candidates.error()));

  error refused{errc::cannot_listen, attempt + ": no address"};
  for (const auto& candidate : *candidates) {
    try {
      auto acceptor = listen_on(io, candidate, where.host.empty(), options.backlog);
      return std::make_shared<listener_core>(std::move(acceptor), std::move(options));
    } catch (const boost::system::system_error& failed) {
      refused = fail_errno(failed.code().value(), attempt).error();
      if (refused.code != errc::not_allowed) refused.code = errc::cannot_listen;
    }
  }
  return std::unexpected(std::move(refused));
}

std::shared_ptr<listener_core> value_or_throw(result<std::shared_ptr<listener_core>> core) {
  if (!core) throw std::runtime_error(core.error().message());
  return std::move(*core);
}

}  // namespace

result<listener> listener::open(asio::io_context& io, const host_port& where,
                                listener_options options) {
  auto core = open_core(io, where, std::move(options));
  if (!core) return std::unexpected(std::move(core.error()));
  return listener(std::move(*core));
}

listener::listener(asio::io_context& io, const host_port& where, listener_options options)
    : core_(value_or_throw(open_core(io, where, std::move(options)))) {}

listener::listener(std::shared_ptr<listener_core> core) noexcept : core_(std::move(core)) {}

listener& listener::operator=(listener&& other) noexcept {
  if (core_ && core_ != other.core_) core_->stop();
  core_ = std::move(other.core_);
  return *this;
}

listener::~listener() {
  if (core_) core_->stop();
}

const tcp_endpoint& listener::local_endpoint() const noexcept { return core_->local_endpoint(); }

void listener::serve(frame_session session) { core_->serve(std::move(session)); }
void listener::serve(socket_session session) { core_->serve(std::move(session)); }

std::size_t listener::connections() const noexcept { return core_->connections(); }
void listener::stop() noexcept { core_->stop(); }
void listener::cancel() { core_->cancel(); }
awaitable<void> listener::drained() { return listener_core::drained(core_); }

}  // namespace sluice
