// A chunked body (RFC 9112, 7.1), as a stranger sends it: each step goes on, or ends.
#include <algorithm>

#include "fuzzing.h"
#include "http/chunks.h"

using namespace sluice::http;
using sluice::fuzzing::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = sluice::fuzzing::text_of(data, size);
  chunk_reader chunks;
  while (!text.empty() && !chunks.ended()) {
    const auto taken = chunks.read(text);
    if (!taken) return 0;
    text.remove_prefix(*taken);
    const auto content = std::min<std::uint64_t>(text.size(), chunks.data_left());
    text.remove_prefix(content);
    chunks.took(content);
    require(*taken > 0 || content > 0 || chunks.ended());
  }
  return 0;
}
