// What every response begins with.
#include <array>
#include <ctime>
#include <string>

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

// The date of this second; made once a second in each thread.
std::string_view date_now() {
  thread_local std::time_t of = 0;
  thread_local std::string text;
  if (const std::time_t now = std::time(nullptr); now != of) {
    of = now;
    text = http_date(now);
  }
  return text;
}

}  // namespace

void append_status_line(std::string& out, status code) {
  out += "HTTP/1.1 ";
  out += std::to_string(static_cast<unsigned>(code));
  out += ' ';
  out += reason_of(code);
  out += "\r\n";
}

void append_common_fields(std::string& out, std::string_view agent) {
  out += "Date: ";
  out += date_now();
  out += "\r\nServer: ";
  out += agent;
  out += "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
}

}  // namespace sluice::http
