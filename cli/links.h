// Addresses that came with a link behind "#link=".
#pragma once

#include "client/client.h"

namespace sluice::cli {

// Where `place` came with a link: asks the server what that is of, and leads the path there: what
// the address says is inside of it. Asks for the link's password where it has one:
// SLUICE_LINK_PASSWORD, else the terminal. Finds the keys for `options`, for these and for all
// addresses.
//   not_allowed: the link is none, or not any more
[[nodiscard]] result<void> find_keys_and_lead(std::vector<client::url>& places,
                                              client::session_options& options);
[[nodiscard]] result<void> find_keys_and_lead(client::url& place, client::session_options& options);

}  // namespace sluice::cli
