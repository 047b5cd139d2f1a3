#include "http/problem.h"

#include <nlohmann/json.hpp>

namespace sluice::http {

std::string problem::json() const {
  using nlohmann::ordered_json;
  ordered_json text;
  if (!type.empty()) text["type"] = type;
  text["title"] = boost::beast::http::obsolete_reason(code);
  text["status"] = static_cast<unsigned>(code);
  text["detail"] = detail;
  for (const auto& [name, value] : members) {
    text[name] = ordered_json::parse(value, nullptr, false);
  }
  return text.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

status status_of(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument:
    case errc::bad_frame:
    case errc::bad_digest: return status::bad_request;
    case errc::not_allowed:
    case errc::insecure: return status::forbidden;
    case errc::not_found: return status::not_found;
    case errc::exists:
    case errc::conflict:
    case errc::changed:
    case errc::not_empty:
    case errc::not_a_file: return status::conflict;
    case errc::frame_too_large: return status::payload_too_large;
    case errc::no_space: return status::insufficient_storage;
    case errc::timed_out: return status::request_timeout;
    case errc::busy:
    case errc::cancelled: return status::service_unavailable;
    case errc::unsupported: return status::not_implemented;
    default: return status::internal_server_error;
  }
}

problem to_problem(const error& why) { return {status_of(why.code), why.message()}; }

}  // namespace sluice::http
