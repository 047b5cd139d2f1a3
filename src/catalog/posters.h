// Small pictures of what files show. A row belongs to a file in one state of it, as a row of
// content.h does, and goes with it. All calls may throw soci_error, see session.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "catalog/content.h"

namespace sluice::catalog {

// So many are kept; with one more the oldest goes.
inline constexpr std::int64_t posters_max = 10'000;

// Which content it is of.
struct content_state {
  file_identity file;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
};

// In place of what was kept of `of.file`.
void put_poster(session& s, const content_state& of, std::span<const std::byte> picture,
                std::int64_t most = posters_max);

// Empty: there is none.
[[nodiscard]] std::vector<std::byte> find_poster(session& s, const content_state& of);

}  // namespace sluice::catalog
