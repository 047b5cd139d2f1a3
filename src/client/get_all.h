// get, inside a session.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "client/session.h"

namespace sluice::client {

// As `get`; there is at least one source.
awaitable<result<summary>> get_all(session& owner, std::vector<url> sources, std::string target,
                                   get_options options);

}  // namespace sluice::client
