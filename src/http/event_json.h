// What happens in the served folder as JSON: the same over WebSocket and as server-sent events
// (docs/api.md, "Live").
#pragma once

#include <string>

#include "http/api_json.h"
#include "transfer/events.h"

namespace sluice::http {

// {"kind":"stored","path":...}; {"kind":"missed"} where some were lost. `what` is not none.
[[nodiscard]] json to_json(const transfer::news& what);

// Valid UTF-8 whatever the names are.
[[nodiscard]] std::string dump(const json& message);

}  // namespace sluice::http
