// Upload-Metadata of tus: what was understood can be said again and means the same, and the name
// that it gives stays below the folder.
#include <string>

#include "fuzzing.h"
#include "http/structured_fields.h"
#include "http/tus_fields.h"

using namespace sluice::http;
using sluice::fuzzing::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = parse_tus_metadata(sluice::fuzzing::text_of(data, size));
  if (!read) return 0;
  std::string again;
  for (const auto& [key, value] : *read) {
    require(!key.empty() && key.find_first_of(" ,") == std::string::npos);
    again += (again.empty() ? "" : ",") + key + " " + base64_encode(value);
  }
  require(parse_tus_metadata(again) == read);
  static_cast<void>(tus_mtime_ns(*read));
  const auto path = tus_target("day-1/", *read);
  if (path) require(path->text().starts_with("day-1/") && path->parts().size() > 1);
  return 0;
}
