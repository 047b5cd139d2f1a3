#include "http/head.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/syntax.h"

namespace sluice::http {
namespace {

std::unexpected<problem> refuse(std::string what, status code = status::bad_request) {
  return std::unexpected(problem(code, std::move(what)));
}

constexpr std::array<std::string_view, 9> known_methods{
    "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"};

struct request_line {
  std::string_view method;
  std::string_view target;
  bool is_1_0 = false;
};

parsed<bool> parse_version(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return refuse("the request line does not end in a version such as HTTP/1.1");
  }
  if (text[5] != '1') {
    return refuse("this server speaks HTTP/1.1, not " + std::string(text),
                  status::http_version_not_supported);
  }
  return text[7] == '0';
}

parsed<request_line> parse_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse("the request line is not METHOD TARGET VERSION");
  }
  request_line found{.method = line.substr(0, first),
                     .target = line.substr(first + 1, last - first - 1)};
  if (!is_token(found.method)) return refuse("the method is no token");
  if (found.target.empty() || found.target.contains(' ') || found.target.contains('\t')) {
    return refuse("the request line has more than its two spaces");
  }
  const auto version = parse_version(line.substr(last + 1));
  if (!version) return std::unexpected(version.error());
  if (std::ranges::find(known_methods, found.method) == known_methods.end()) {
    return refuse("no such method", status::not_implemented);
  }
  found.is_1_0 = *version;
  return found;
}

// RFC 9112, 6: how long the body is, told in exactly one way.
parsed<void> find_length(request& asked) {
  const auto codings = asked.fields.count(field_name::transfer_encoding);
  const auto lengths = asked.fields.count(field_name::content_length);
  if (codings > 0) {
    if (lengths > 0) return refuse("both Transfer-Encoding and Content-Length");
    if (asked.is_1_0) return refuse("Transfer-Encoding in HTTP/1.0");
    if (codings > 1 ||
        !equals_ignoring_case(asked.fields[field_name::transfer_encoding], "chunked")) {
      return refuse("a Transfer-Encoding that is not exactly: chunked");
    }
    asked.has_body = true;
    return {};
  }
  if (lengths == 0) return {};
  if (lengths > 1) return refuse("more than one Content-Length");
  const std::string_view digits = asked.fields[field_name::content_length];
  const auto size_bytes = parse_number(digits);
  if (!size_bytes) {
    const bool too_long =
        !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (too_long) return refuse("a Content-Length over 2^63-1", status::payload_too_large);
    return refuse("a Content-Length that is no number");
  }
  asked.content_length = size_bytes;
  asked.has_body = *size_bytes > 0;
  return {};
}

// RFC 9110, 7.2; RFC 9112, 3.2.
parsed<void> find_host(request& asked, std::string_view authority) {
  const auto count = asked.fields.count(field_name::host);
  if (count > 1) return refuse("more than one Host");
  if (count == 0) {
    if (asked.is_1_0 && authority.empty()) return {};
    return refuse("no Host");
  }
  const std::string_view value = asked.fields[field_name::host];
  auto host = host_of(value);
  if (!host) return refuse("a Host that is none");
  if (!authority.empty() && !equals_ignoring_case(authority, value)) {
    return refuse("the target and Host name two hosts");
  }
  asked.host = std::move(*host);
  return {};
}

// RFC 9112, 9.3; RFC 9110, 10.1.1.
parsed<void> find_expectations(request& asked) {
  asked.keeps_alive = !asked.is_1_0;
  const std::string connection = asked.field("Connection");
  std::string_view options = connection;
  bool closes = false;
  while (const auto option = take_element(options)) {
    if (equals_ignoring_case(*option, "close")) closes = true;
    if (equals_ignoring_case(*option, "keep-alive")) asked.keeps_alive = true;
  }
  if (closes) asked.keeps_alive = false;
  if (!asked.has("Expect") || asked.is_1_0) return {};
  if (!equals_ignoring_case(asked.field("Expect"), "100-continue")) {
    return refuse("an expectation other than 100-continue", status::expectation_failed);
  }
  asked.expects_continue = asked.has_body;
  return {};
}

}  // namespace

// Up to what decides something: the end of a line, a limit, or of what is there.
void head_finder::skip_text(std::string_view arrived) noexcept {
  const auto limit = in_request_line_ ? std::min(limits_.line_bytes, limits_.bytes) : limits_.bytes;
  const std::size_t end = std::min(arrived.size(), limit);
  if (seen_ >= end) return;
  const auto text = arrived.substr(0, end);
  const std::size_t line = std::min(text.find('\r', seen_), end);
  seen_ = std::min(text.substr(0, line).find('\n', seen_), line);
}

parsed<std::size_t> head_finder::find(std::string_view arrived) {
  for (; seen_ < arrived.size(); ++seen_) {
    skip_text(arrived);
    if (seen_ == arrived.size()) break;
    const char c = arrived[seen_];
    if (c == '\r') {
      if (seen_ + 1 == arrived.size()) break;  // what follows it decides
      if (arrived[seen_ + 1] != '\n') return refuse("a carriage return without a line feed");
    } else if (c == '\n') {
      if (seen_ == 0 || arrived[seen_ - 1] != '\r') {
        return refuse("a line feed without a carriage return");
      }
      const bool is_empty = seen_ - line_begin_ == 1;
      line_begin_ = seen_ + 1;
      if (is_empty) {
        if (seen_ + 1 > limits_.bytes) break;
        return seen_ + 1;
      }
      in_request_line_ = false;
    }
    if (in_request_line_ && seen_ >= limits_.line_bytes) {
      return refuse("a request line over " + std::to_string(limits_.line_bytes) + " bytes",
                    status::uri_too_long);
    }
    if (seen_ >= limits_.bytes) break;
  }
  if (seen_ >= limits_.bytes) {
    return refuse("a head over " + std::to_string(limits_.bytes) + " bytes",
                  status::request_header_fields_too_large);
  }
  return std::size_t{0};
}

parsed<field_list> parse_fields(std::string_view lines, std::size_t max) {
  parsed<field_list> found;
  field_list& fields = *found;
  std::size_t count = 0;
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    const auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    const auto colon = line.find(':');
    if (line.starts_with(' ') || line.starts_with('\t')) return refuse("a folded field line");
    if (colon == std::string_view::npos) return refuse("a field line without a colon");
    if (!is_token(line.substr(0, colon))) return refuse("a field name that is no token");
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return refuse("a field value with a control character");
    if (++count > max) {
      return refuse("over " + std::to_string(max) + " field lines",
                    status::request_header_fields_too_large);
    }
    fields.insert(line.substr(0, colon), value);
  }
  return found;
}

parsed<request> parse_head(std::string_view head, const head_limits& limits) {
  const auto end = head.find("\r\n");
  const auto line = parse_request_line(head.substr(0, end));
  if (!line) return std::unexpected(line.error());
  head.remove_prefix(end + 2);
  auto fields = parse_fields(head.substr(0, head.size() - 2), limits.fields);
  if (!fields) return std::unexpected(fields.error());
  auto wanted = parse_target(line->target);
  if (!wanted) return std::unexpected(wanted.error());
  if (wanted->path == "*" && line->method != "OPTIONS")
    return refuse("the target * of another method");

  parsed<request> found;
  request& asked = *found;
  asked.method = line->method;
  asked.target = line->target;
  asked.path = std::move(wanted->path);
  asked.query = std::move(wanted->query);
  asked.is_1_0 = line->is_1_0;
  asked.fields = std::move(*fields);
  if (auto fine = find_length(asked); !fine) return std::unexpected(fine.error());
  if (auto fine = find_host(asked, wanted->authority); !fine) return std::unexpected(fine.error());
  if (auto fine = find_expectations(asked); !fine) return std::unexpected(fine.error());
  return found;
}

}  // namespace sluice::http
