// What there is under a path of the server, by the protocol of its address.
#pragma once

#include <optional>
#include <string>

#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

// nullopt: there is nothing of that name.
awaitable<result<std::optional<remote_entry>>> look_at(session& owner, url server,
                                                       std::string path);

}  // namespace sluice::client
