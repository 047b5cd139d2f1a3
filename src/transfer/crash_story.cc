#include "transfer/crash_story.h"

#include <algorithm>

namespace sluice::transfer::test {

known_file file_of(bytes content, std::int64_t mtime_ns, bool executable) {
  known_file made{std::make_shared<const bytes>(std::move(content)), {}, mtime_ns, executable};
  for (std::uint64_t block = 0; block < block_count(*made.content); ++block) {
    made.digests.push_back(base::digest_of(block_of(*made.content, block)));
  }
  return made;
}

bytes sparse_content(std::uint64_t size_bytes, std::uint64_t seed) {
  constexpr std::uint64_t stride = 65'536;
  constexpr std::uint64_t filled = 4096;
  bytes made(size_bytes);
  for (std::uint64_t at = 0; at < size_bytes; at += stride) {
    const auto piece = content_of(std::min(filled, size_bytes - at), seed * 1'000'003 + at);
    std::ranges::copy(piece, made.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return made;
}

void expectation::may(const std::string& path, const place& what) {
  auto [found, is_new] = names.try_emplace(path);
  if (is_new) found->second.push_back(nothing());
  found->second.push_back(what);
}

void story::tell(event what) {
  const std::lock_guard lock(mutex_);
  events_.emplace_back(now_(), std::move(what));
}

std::size_t story::events_before(std::size_t position) const {
  const std::lock_guard lock(mutex_);
  const auto first_after =
      std::ranges::upper_bound(events_, position, {}, [](const auto& one) { return one.first; });
  return static_cast<std::size_t>(first_after - events_.begin());
}

}  // namespace sluice::transfer::test
