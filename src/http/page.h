// The page that people see: static files, and one document for all of its places. What it shows it
// asks for over the API, as whoever is logged in.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

// The document, whatever the path: the page itself reads the address.
awaitable<result<void>> page_document(exchange& now, service& shared);

// A script, style or picture of it, by its path. They have their content's digest in their names
// and never change.
awaitable<result<void>> page_file(exchange& now, service& shared);

}  // namespace sluice::http
