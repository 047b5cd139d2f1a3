#include "client/connect_to.h"

#include <utility>

#include "net/path_tuning.h"
#include "sluice/connect.h"

namespace sluice::client {

awaitable<result<tcp_socket>> connect_to(session& owner, const url& server) {
  const error stopped{errc::cancelled, "connect to " + server.authority()};
  if (owner.stopping()) co_return std::unexpected(stopped);
  connect_options options;
  options.timeout = owner.timeout();
  auto socket = co_await connect_socket({server.host, server.port}, options);
  if (!socket) co_return std::unexpected(std::move(socket.error()));
  if (owner.stopping()) co_return std::unexpected(stopped);
  net::tune(*socket);
  co_return std::move(*socket);
}

}  // namespace sluice::client
