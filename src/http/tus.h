// tus 1.0.0 with all its extensions, below /tus/ (docs/api.md, "tus";
// https://tus.io/protocols/resumable-upload). Offsets are durable, see docs/durability.md.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

// All methods: X-HTTP-Method-Override decides which it is.
awaitable<result<void>> tus(exchange& now, service& shared);

}  // namespace sluice::http
