// What every response begins with.
#include <fmt/format.h>

#include <ctime>
#include <string>

#include "base/text.h"
#include "http/connection.h"
#include "http/time.h"

namespace sluice::http {
namespace {

std::string_view reason_of(status code) {
  switch (static_cast<unsigned>(code)) {
    case 104: return "Upload Resumption Supported";
    case 460: return "Checksum Mismatch";
    default: {
      const auto reason = boost::beast::http::obsolete_reason(code);
      return {reason.data(), reason.size()};
    }
  }
}

}  // namespace

void append_status_line(std::string& out, status code) {
  const fmt::format_int number(static_cast<unsigned>(code));
  base::append(out, {"HTTP/1.1 ", {number.data(), number.size()}, " ", reason_of(code), "\r\n"});
}

std::string_view head_begin(status code, const std::string& agent) {
  thread_local std::time_t second = 0;
  thread_local status with = status::unknown;
  thread_local std::string of;
  thread_local std::string lines;
  if (const std::time_t now = std::time(nullptr); now != second || code != with || agent != of) {
    second = now;
    with = code;
    of = agent;
    lines.clear();
    append_status_line(lines, code);
    base::append(lines,
                 {"Date: ", http_date(now), "\r\nServer: ", agent,
                  "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"});
  }
  return lines;
}

}  // namespace sluice::http
