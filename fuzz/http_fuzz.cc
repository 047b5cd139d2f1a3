// What a stranger sends over HTTP: heads, chunked bodies, and the values of fields. The first byte
// of the input says which.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/chunks.h"
#include "http/conditions.h"
#include "http/head.h"
#include "http/ranges.h"
#include "http/structured_fields.h"
#include "http/time.h"

namespace {

using namespace sluice::http;

void must(bool holds) {
  if (!holds) std::abort();
}

void read_head(std::string_view text) {
  const head_limits limits;
  head_finder whole(limits);
  const auto size = whole.find(text);
  head_finder in_pieces(limits);
  parsed<std::size_t> found = std::size_t{0};
  for (std::size_t cut = 0; found && *found == 0 && cut <= text.size(); ++cut) {
    found = in_pieces.find(text.substr(0, cut));
  }
  must(found.has_value() == size.has_value());
  if (!size || *size == 0) return;
  must(*found == *size && *size <= limits.bytes);
  const auto asked = parse_head(text.substr(0, *size), limits);
  if (!asked) return;
  must(asked->path == "*" || asked->path.starts_with('/'));
  must(asked->path.find('\0') == std::string::npos);
  must(asked->path.find("/../") == std::string::npos && !asked->path.ends_with("/.."));
  must(asked->path.find("//") == std::string::npos);
  must(!(asked->content_length && asked->has("Transfer-Encoding")));
}

void read_chunks(std::string_view text) {
  chunk_reader chunks;
  std::uint64_t framing = 0;
  while (!text.empty() && !chunks.ended()) {
    const auto taken = chunks.read(text);
    if (!taken) return;
    framing += *taken;
    text.remove_prefix(*taken);
    const auto data = std::min<std::uint64_t>(text.size(), chunks.data_left());
    text.remove_prefix(data);
    chunks.took(data);
    must(*taken > 0 || data > 0 || chunks.ended());
  }
}

void read_range(std::string_view text) {
  for (const std::uint64_t size : {0ULL, 1ULL, 1000ULL, (1ULL << 63) - 1}) {
    const auto answer = parse_range(text, size);
    must(answer.parts.size() <= ranges_max);
    for (const auto& part : answer.parts) {
      must(part.size_bytes > 0 && part.offset < size && part.size_bytes <= size - part.offset);
    }
  }
}

void read_values(std::string_view text) {
  (void)parse_sf_dictionary(text);
  (void)parse_sf_item(text);
  (void)parse_http_date(text);
  (void)matches(text, "\"a\"", true);
  if (const auto bytes = base64_decode(text)) must(base64_encode(*bytes) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: read_head(text); break;
    case 1: read_chunks(text); break;
    case 2: read_range(text); break;
    default: read_values(text); break;
  }
  return 0;
}
