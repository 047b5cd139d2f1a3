// A look at places in a file on a server, without fetching it.
#pragma once

#include <functional>
#include <optional>

#include "client/client.h"
#include "client/known_content.h"

namespace sluice::client {

// Fetches a block of the file, checked against its digest, as long as `next` names one; `next` has
// all that came before. Over the native protocol.
//   invalid_argument: it is a folder; changed: between two blocks
[[nodiscard]] result<void> look_into(
    const url& file, const session_options& options,
    std::function<std::optional<std::uint64_t>(const known_content&)> next);

}  // namespace sluice::client
