// Entries of listings and runs of digests: making them, and filling frames with them up to the
// limit. Pure functions; usable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "sluice/error.h"
#include "wire/sluice.pb.h"

namespace sluice::wire {

// Paths of both are UTF-8; `identity` is opaque bytes.
[[nodiscard]] v1::Entry file_entry(std::string_view path, std::uint64_t size_bytes,
                                   std::int64_t mtime_ns, bool executable,
                                   std::string_view identity);
[[nodiscard]] v1::Entry folder_entry(std::string_view path, std::int64_t mtime_ns);

// True while `next` can still be added to a frame whose message has `used_bytes` so far
// (Entries::ByteSizeLong, or a sum that the caller keeps of `entry_bytes`).
[[nodiscard]] bool fits(std::size_t used_bytes, const v1::Entry& next);
// What an entry adds to the size of an Entries message.
[[nodiscard]] std::size_t entry_bytes(const v1::Entry& entry);

// Digests in one DIGEST_RUN at the most, so that it fits with `recorded` and an entry.
inline constexpr std::size_t max_run_digests = 7'680;

void append_digest(std::string& digests, const base::digest128& digest);
// Errors: bad_frame where the size is no multiple of 16.
[[nodiscard]] result<std::vector<base::digest128>> parse_digests(std::string_view digests);

// Refuses (invalid_argument) ranges that do not ascend, overlap, are empty, exceed 256 or overflow.
[[nodiscard]] result<void> check_ranges(const v1::Get& get);

}  // namespace sluice::wire
