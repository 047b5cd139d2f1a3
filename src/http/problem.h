// What went wrong, as HTTP tells it: RFC 9457, application/problem+json.
#pragma once

#include <boost/beast/http/status.hpp>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "sluice/error.h"

namespace sluice::http {

using boost::beast::http::status;

// A value. It has constructors since GCC 12 destroys aggregates twice that are made in a co_await.
struct problem {
  problem(status number, std::string what) : code(number), detail(std::move(what)) {}
  problem(status number, std::string uri, std::string what)
      : code(number), type(std::move(uri)), detail(std::move(what)) {}

  status code;
  std::string type;    // a URI; "" is about:blank: the status says it all
  std::string detail;  // what was attempted, on what, what went wrong, what to do
  std::vector<std::pair<std::string, std::string>> members;  // more, each with its JSON value

  [[nodiscard]] std::string json() const;
};

// What a peer sent, read; or what to answer instead.
template <class T>
using parsed = std::expected<T, problem>;

// The status that an error of the use cases has:
//   invalid_argument 400; not_allowed, insecure 403; not_found 404; exists, conflict, not_empty,
//   not_a_file 409; bad_digest 400; changed 409; no_space 507; busy, cancelled 503; timed_out 408;
//   unsupported 501; all else 500
[[nodiscard]] status status_of(errc code) noexcept;
[[nodiscard]] problem to_problem(const error& why);

}  // namespace sluice::http
