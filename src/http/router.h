// Which handler answers a request.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

// What a request wants of whatever it names. Of the path itself the handler asks, since only it
// knows which that is.
enum class need : std::uint8_t {
  none,     // nothing that anybody stored
  session,  // the same, and not for pages of other origins
  see,      // names, sizes, times
  follow,   // the same, and what happens to them: not for pages of other origins
  take,     // content
  give,     // new content under a free name
  change,   // rename, remove, replace
  talk,     // what is said about it; held to the origin as a change is
  admin,    // who may do what
};

// An error that is returned before a response began is answered as a problem; after that it ends
// the connection. The arguments outlive the coroutine.
using handler = awaitable<result<void>> (*)(exchange&, service&);

struct route {
  std::string_view
      method;  // "*": all, the handler answers those it does not know. GET is also HEAD
  std::string_view
      path;  // "/api/tree" is this path, and "/" too; one that ends with "/" is all below it
  need needs;
  handler answer;
};

// The tables, in routes.cc: one row for each method of a path, the rows of a path side by side. The
// longest path that fits decides.
[[nodiscard]] std::span<const route> routes(surface shown) noexcept;

// Answers one request: 404 where no path fits, 405 with Allow where no method does, OPTIONS with
// Allow where no row has it. Then it is the one place that says whether a request may be answered
// at all: the Host it names (DNS rebinding: 421), the Origin of one that changes or follows
// something, logs in or out (RFC 6454, 7: 403), the credential it brings (401, 429), and whether
// the caller may do such a thing anywhere (401 to strangers, 403 to others). Then the handler,
// which asks for the paths.
awaitable<result<void>> dispatch(exchange& now, service& shared);

// Whether this server is known by that name: localhost, an address, one that it was given, or none.
[[nodiscard]] bool goes_by(const std::string& host, const service& shared);

}  // namespace sluice::http
