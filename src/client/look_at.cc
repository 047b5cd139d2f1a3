#include "client/look_at.h"

#include "client/http_listing.h"

namespace sluice::client {

awaitable<result<std::optional<remote_entry>>> look_at(session& owner, url server,
                                                       std::string path) {
  if (server.over_http) co_return co_await http_stat(owner, server, path);
  auto by = co_await owner.open(server);
  if (!by) co_return std::unexpected(about(by.error(), "connect"));
  auto found = co_await stat(*by, std::move(path));
  owner.give_back(std::move(*by));
  co_return found;
}

}  // namespace sluice::client
