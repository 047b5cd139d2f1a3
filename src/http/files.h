// /files/PATH: content out and in (docs/api.md, "Files"). Handlers of the router.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

// GET and HEAD: a file, or a part of it.
awaitable<result<void>> get_file(exchange& now, service& shared);

// PUT: a whole file, durable and under its name when 201 or 204 is sent. A name that is taken is
// left alone unless the request names what it replaces (If-Match, If-Unmodified-Since).
awaitable<result<void>> put_file(exchange& now, service& shared);

awaitable<result<void>> delete_file(exchange& now, service& shared);

}  // namespace sluice::http
