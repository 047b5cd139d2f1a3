// Resumable uploads of HTTP, below /uploads/ (docs/api.md, "Resumable uploads";
// draft-ietf-httpbis-resumable-upload-12). POST or PUT of a path makes an upload resource, whose
// URL is /uploads/ and its id; the file goes to that path once the upload is complete.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

awaitable<result<void>> resumable_options(exchange& now, service& shared);
awaitable<result<void>> resumable_create(exchange& now, service& shared);  // POST, PUT
awaitable<result<void>> resumable_look(exchange& now, service& shared);    // HEAD
awaitable<result<void>> resumable_append(exchange& now, service& shared);  // PATCH
awaitable<result<void>> resumable_cancel(exchange& now, service& shared);  // DELETE

}  // namespace sluice::http
