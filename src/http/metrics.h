// /health and /metrics, on the admin address. Handlers of the router.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

// 200 while the server takes requests, 503 when it stops or its volume refuses writes.
awaitable<result<void>> get_health(exchange& now, service& shared);

// The text format of Prometheus, version 0.0.4.
awaitable<result<void>> get_metrics(exchange& now, service& shared);

}  // namespace sluice::http
