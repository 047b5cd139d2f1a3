// Structured fields (RFC 8941) and what resumable uploads read from them: a value that was
// understood can be said again, and then means the same.
#include <string>
#include <variant>

#include "fuzzing.h"
#include "http/resumable_fields.h"
#include "http/structured_fields.h"

using namespace sluice::http;
using sluice::fuzzing::require;

namespace {

void take_item(std::string_view text) {
  const auto value = parse_sf_item(text);
  if (!value) return;
  const auto* number = std::get_if<std::int64_t>(&*value);
  if (number == nullptr) return;
  require(*number <= static_cast<std::int64_t>(resumable_bytes_max));
  require(parse_sf_item(std::to_string(*number)) == value);
}

void take_dictionary(std::string_view text) {
  const auto read = parse_sf_dictionary(text);
  require(read || !parse_digest_field(text));
  static_cast<void>(preferred_algorithm(text));
  if (!read) return;
  for (const auto& [key, value] : *read) {
    require(find_member(*read, key) != nullptr);
    if (const auto* bytes = std::get_if<sf_bytes>(&value)) {
      require(parse_sf_item(sf_byte_sequence(bytes->bytes)) == value);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = sluice::fuzzing::text_of(data, size);
  take_item(text);
  take_dictionary(text);
  return 0;
}
