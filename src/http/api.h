// /api/...: the served folder as JSON (docs/api.md, "API"; docs/openapi.json). Handlers of the
// router.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

awaitable<result<void>> api_list(exchange& now, service& shared);
awaitable<result<void>> api_stat(exchange& now, service& shared);
awaitable<result<void>> api_mkdir(exchange& now, service& shared);
awaitable<result<void>> api_rename(exchange& now, service& shared);
awaitable<result<void>> api_remove(exchange& now, service& shared);
awaitable<result<void>> api_uploads(exchange& now, service& shared);
awaitable<result<void>> api_server(exchange& now, service& shared);

}  // namespace sluice::http
