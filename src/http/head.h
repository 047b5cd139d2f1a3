// The head of a request, read strictly (RFC 9112, 2 to 6): what two programs could read in two ways
// is refused, since behind such a request nobody knows where the next one begins. Pure, no sockets.
//
// Beast's own parser is not asked: it takes obsolete line folding, several equal Content-Lengths
// and some more that is refused here. Its container of fields is used.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/request.h"
#include "http/target.h"

namespace sluice::http {

struct head_limits {
  std::size_t bytes = 32 * 1024;
  std::size_t line_bytes = 16 * 1024;  // of the request line
  std::size_t fields = 100;
};

// Looks for the end of a head that arrives bit by bit. One for each head.
class head_finder {
 public:
  explicit head_finder(const head_limits& limits) : limits_(limits) {}

  // `arrived` is all that came of the head so far, and maybe more. The size of the head with its
  // empty line; 0 where it is not whole yet. An error at the first line that ends in a bare LF, at
  // a bare CR, and at the limits: 400, 414, 431.
  [[nodiscard]] parsed<std::size_t> find(std::string_view arrived);

 private:
  void skip_text(std::string_view arrived) noexcept;

  const head_limits limits_;
  std::size_t seen_ = 0;
  std::size_t line_begin_ = 0;
  bool in_request_line_ = true;
};

// Reads a whole head, as `head_finder` measured it. The errors are to be answered and the
// connection to be closed: 400, 413 (a length over 2^63-1), 417, 431, 501 (no such method), 505.
[[nodiscard]] parsed<request> parse_head(std::string_view head, const head_limits& limits);

// Field lines, each with its CRLF: of the head, and the trailers of a chunked body.
[[nodiscard]] parsed<field_list> parse_fields(std::string_view lines, std::size_t max);

}  // namespace sluice::http
