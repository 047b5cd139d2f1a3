// What clients of tus and of resumable uploads put into their fields: the first byte of the input
// chooses which field the rest is taken for.
#include <cstdlib>
#include <span>
#include <string_view>

#include "http/resumable_fields.h"
#include "http/structured_fields.h"
#include "http/tus_fields.h"

namespace {

using namespace sluice::http;

void require(bool holds) {
  if (!holds) std::abort();
}

// What was understood can be said again, and then means the same; and names stay below the folder.
void take_metadata(std::string_view text) {
  const auto read = parse_tus_metadata(text);
  if (!read) return;
  std::string again;
  for (const auto& [key, value] : *read) {
    require(!key.empty() && key.find_first_of(" ,") == std::string::npos);
    again += (again.empty() ? "" : ",") + key + " " + base64_encode(value);
  }
  require(parse_tus_metadata(again) == read);
  static_cast<void>(tus_mtime_ns(*read));
  const auto path = tus_target("day-1/", *read);
  if (path) require(path->text().starts_with("day-1/") && path->parts().size() > 1);
}

void take_concat(std::string_view text) {
  const auto read = parse_tus_concat(text);
  if (!read) return;
  require(read->is_partial == read->parts.empty());
  for (const auto& id : read->parts) require(tus_upload_id("/tus/" + id) == id);
}

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
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0: take_metadata(text); break;
    case 1: take_concat(text); break;
    case 2: take_item(text); break;
    case 3: take_dictionary(text); break;
    default: static_cast<void>(parse_tus_checksum(text)); break;
  }
  return 0;
}
