// GET /api/events: what happens in a folder as server-sent events (HTML Living Standard, 9.2).
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

awaitable<result<void>> api_events(exchange& now, service& shared);

}  // namespace sluice::http
