// What a file is, by its name's extension, and how a browser may show it. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace sluice::http {

struct media_type {
  std::string_view name;   // "video/mp4"
  bool is_inline = false;  // safe to be shown in place: it cannot run script
};

// "application/octet-stream" for what is not known.
[[nodiscard]] media_type media_type_of(std::string_view file_name);

// The value of Content-Disposition (RFC 6266; RFC 8187): the name in ASCII for old clients, and as
// it is for all others.
[[nodiscard]] std::string disposition(std::string_view file_name, bool is_inline);

}  // namespace sluice::http
