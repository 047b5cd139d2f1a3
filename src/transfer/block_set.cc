#include "transfer/block_set.h"

namespace sluice::transfer {

void range_builder::add(std::uint64_t block) {
  if (!ranges_.empty() && ranges_.back().first + ranges_.back().count == block) {
    ++ranges_.back().count;
  } else {
    ranges_.push_back({block, 1});
  }
}

const block_set::chunk* block_set::find(std::uint64_t block) const {
  const auto found = chunks_.find(block / chunk_blocks);
  return found == chunks_.end() ? nullptr : found->second.get();
}

block_state block_set::state(std::uint64_t block) const {
  const chunk* part = find(block);
  const std::uint64_t bit = std::uint64_t{1} << block % chunk_blocks;
  if (part == nullptr || (part->there & bit) == 0) return block_state::absent;
  return (part->durable & bit) != 0 ? block_state::durable : block_state::received;
}

std::optional<base::digest128> block_set::digest(std::uint64_t block) const {
  if (state(block) == block_state::absent) return std::nullopt;
  return find(block)->digests[block % chunk_blocks];
}

void block_set::set(std::uint64_t block, const base::digest128& digest, block_state state) {
  erase(block);
  if (state == block_state::absent) return;
  auto& part = chunks_[block / chunk_blocks];
  if (!part) part = std::make_unique<chunk>();
  const std::uint64_t bit = std::uint64_t{1} << block % chunk_blocks;
  part->digests[block % chunk_blocks] = digest;
  part->there |= bit;
  ++count_;
  if (state == block_state::durable) {
    part->durable |= bit;
  } else {
    ++received_count_;
  }
}

void block_set::erase(std::uint64_t block) {
  const auto was = state(block);
  if (was == block_state::absent) return;
  const auto found = chunks_.find(block / chunk_blocks);
  const std::uint64_t bit = std::uint64_t{1} << block % chunk_blocks;
  found->second->there &= ~bit;
  found->second->durable &= ~bit;
  --count_;
  if (was == block_state::received) --received_count_;
  if (found->second->there == 0) chunks_.erase(found);
}

std::uint64_t block_set::end() const {
  if (chunks_.empty()) return 0;
  const auto& [number, part] = *chunks_.rbegin();
  return number * chunk_blocks + static_cast<std::uint64_t>(std::bit_width(part->there));
}

std::uint64_t block_set::durable_prefix() const {
  std::uint64_t prefix = 0;
  for (const auto& [number, part] : chunks_) {
    if (number * chunk_blocks != prefix) break;
    const auto run = static_cast<std::uint64_t>(std::countr_one(part->durable));
    prefix += run;
    if (run < chunk_blocks) break;
  }
  return prefix;
}

}  // namespace sluice::transfer
