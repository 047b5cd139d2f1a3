// Uploads a folder and all that is in it.
#pragma once

#include <optional>
#include <string>

#include "client/client.h"
#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

// Uploads the content of the local folder `source` into the folder `path` of the server, which is
// made where `there` says that it is not. What cannot be sent (a name that is no UTF-8, a file that
// cannot be read, a different file in its place) is told to the observer, the rest goes on, and the
// result is the first of these failures. `done` is counted up in every case and outlives the call.
awaitable<result<void>> put_tree(session& owner, url server, std::string source, std::string path,
                                 std::optional<remote_entry> there, put_options options,
                                 summary& done);

}  // namespace sluice::client
