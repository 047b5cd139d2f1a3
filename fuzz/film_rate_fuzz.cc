// A film whose container is a stranger's: the rate of it, or why there is none.
#include <cstdlib>
#include <span>

#include "base/limits.h"
#include "cli/film_rate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto film = std::as_bytes(std::span(data, size));
  sluice::client::known_content known{.size_bytes = size};
  for (;;) {
    const auto rate = sluice::cli::rate_of_film(known);
    if (rate || !rate.error().block) return 0;
    const auto number = *rate.error().block;
    if (known.blocks.contains(number)) std::abort();
    const auto part = film.subspan(number * sluice::base::block_bytes);
    const auto bytes = std::min<std::size_t>(part.size(), sluice::base::block_bytes);
    known.blocks[number] = {part.begin(), part.begin() + static_cast<std::ptrdiff_t>(bytes)};
  }
}
