// The head of an HTTP request, as a stranger sends it: found the same whole and in pieces, and what
// is understood is safe to use as a path.
#include <algorithm>

#include "fuzzing.h"
#include "http/head.h"

using namespace sluice::http;
using sluice::fuzzing::require;

namespace {

// As many cuts as keep a run fast, whatever the size.
constexpr std::size_t cuts = 64;

parsed<std::size_t> find_in_pieces(std::string_view text, const head_limits& limits) {
  head_finder finder(limits);
  parsed<std::size_t> found = std::size_t{0};
  const std::size_t step = std::max<std::size_t>(1, text.size() / cuts);
  for (std::size_t cut = 0; found && *found == 0 && cut < text.size(); cut += step) {
    found = finder.find(text.substr(0, cut));
  }
  return found && *found == 0 ? finder.find(text) : found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = sluice::fuzzing::text_of(data, size);
  const head_limits limits;
  head_finder whole(limits);
  const auto found = whole.find(text);
  const auto in_pieces = find_in_pieces(text, limits);
  require(in_pieces.has_value() == found.has_value());
  if (!found || *found == 0) return 0;
  require(*in_pieces == *found && *found <= limits.bytes);
  const auto asked = parse_head(text.substr(0, *found), limits);
  if (!asked) return 0;
  require(asked->path == "*" || asked->path.starts_with('/'));
  require(asked->path.find('\0') == std::string::npos);
  require(asked->path.find("/../") == std::string::npos && !asked->path.ends_with("/.."));
  require(asked->path.find("//") == std::string::npos);
  require(!(asked->content_length && asked->has("Transfer-Encoding")));
  return 0;
}
