// Downloads a folder and all that is in it.
#pragma once

#include <string>

#include "client/client.h"
#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

// Downloads the content of the server's folder `path` into the local folder `target`, which is made
// where it is missing. The server's names are checked before they are used, and every file is
// opened beneath the target and nowhere else. What fails for one file is told to the observer, the
// rest goes on, and the result is the first of these failures. `done` is counted up in every
// case and outlives the call.
awaitable<result<void>> get_tree(session& owner, url server, std::string path, std::string target,
                                 get_options options, summary& done);

}  // namespace sluice::client
