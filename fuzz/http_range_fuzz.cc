// The field Range (RFC 9110, 14.2): whatever it says, what is answered lies in the file.
#include "fuzzing.h"
#include "http/ranges.h"

using namespace sluice::http;
using sluice::fuzzing::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = sluice::fuzzing::text_of(data, size);
  for (const std::uint64_t file_bytes : {0ULL, 1ULL, 1000ULL, (1ULL << 63) - 1}) {
    const auto answer = parse_range(text, file_bytes);
    require(answer.parts.size() <= ranges_max);
    for (const auto& part : answer.parts) {
      require(part.size_bytes > 0 && part.offset < file_bytes &&
              part.size_bytes <= file_bytes - part.offset);
    }
  }
  return 0;
}
