// /files/PATH: content out and in (docs/api.md, "Files"). Handlers of the router.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

awaitable<result<void>> get_file(exchange& now, service& shared);

}  // namespace sluice::http
