// The listing of a folder of the server, entry by entry.
#pragma once

#include <functional>

#include "client/client.h"
#include "client/session.h"

namespace sluice::client {

// See `list`. The arguments outlive the coroutine.
awaitable<result<void>> list_all(session& owner, url target, bool recursive,
                                 const std::function<void(const listed_entry&)>& each);

}  // namespace sluice::client
