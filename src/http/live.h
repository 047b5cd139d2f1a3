// /live: what happens in folders, told over WebSocket (RFC 6455; docs/api.md, "Live").
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

awaitable<result<void>> live(exchange& now, service& shared);

}  // namespace sluice::http
