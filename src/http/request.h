// One request as the connection read it: checked, and decoded once.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/awaitable.h"

namespace sluice::http {

using field_name = boost::beast::http::field;
using field_list = boost::beast::http::fields;

// A value. What is here passed the checks of head_check.h and target.h: one Host, one way to tell
// the body's length, a target in origin form (or "*" of OPTIONS) whose escapes decode to text
// without "/" and NUL, and no part of it is "." or "..".
struct request {
  std::string method;  // as sent; case-sensitive (RFC 9110, 9.1)
  std::string target;  // as sent, with the query
  std::string path;    // decoded, begins with "/": "/files/day 1/a.mp4"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in their order
  bool is_1_0 = false;                                     // HTTP/1.0; else HTTP/1.1
  bool keeps_alive = true;                                 // the client does not want to close
  bool has_body = false;
  std::optional<std::uint64_t> content_length;  // none: no body, or one of unknown length
  bool expects_continue = false;
  field_list fields;
  std::string host;  // without the port, in lower case; "" of HTTP/1.0 without Host
  tcp_endpoint peer;
  bool is_tls = false;  // it came encrypted

  [[nodiscard]] bool is_head() const noexcept { return method == "HEAD"; }

  // The value of a field that may occur once; "" where it is absent. Of one that occurs more often
  // the values are joined by ", " (RFC 9110, 5.3).
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return fields.find(name) != fields.end(); }

  // The first parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;

  // `path` behind `prefix`, which it begins with: "day 1/a.mp4" behind "/files/".
  [[nodiscard]] std::string_view below(std::string_view prefix) const;
};

}  // namespace sluice::http
