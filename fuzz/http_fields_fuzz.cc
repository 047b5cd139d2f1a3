// The other fields that strangers fill: dates, entity tags, base64, and the rest of tus's. The
// first byte of the input chooses.
#include "fuzzing.h"
#include "http/conditions.h"
#include "http/structured_fields.h"
#include "http/time.h"
#include "http/tus_fields.h"

using namespace sluice::http;
using sluice::fuzzing::require;

namespace {

void take_concat(std::string_view text) {
  const auto read = parse_tus_concat(text);
  if (!read) return;
  require(read->is_partial == read->parts.empty());
  for (const auto& id : read->parts) require(tus_upload_id("/tus/" + id) == id);
}

void take_base64(std::string_view text) {
  const auto bytes = base64_decode(text);
  if (bytes) require(base64_encode(*bytes) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = sluice::fuzzing::text_of(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: static_cast<void>(parse_http_date(text)); break;
    case 1: static_cast<void>(matches(text, "\"a\"", true)); break;
    case 2: take_base64(text); break;
    case 3: take_concat(text); break;
    default: static_cast<void>(parse_tus_checksum(text)); break;
  }
  return 0;
}
