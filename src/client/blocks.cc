#include "client/blocks.h"

#include <utility>

namespace sluice::client {

void append(std::vector<run>& runs, run more) {
  if (!runs.empty() && runs.back().end() == more.first) {
    runs.back().count += more.count;
  } else {
    runs.push_back(more);
  }
}

void block_queue::push(run blocks) {
  if (blocks.count == 0) return;
  if (!runs_.empty() && runs_.back().end() == blocks.first) {
    runs_.back().count += blocks.count;
  } else {
    runs_.push_back(blocks);
  }
}

void block_queue::push_front(run blocks) {
  if (blocks.count == 0) return;
  if (!runs_.empty() && blocks.end() == runs_.front().first) {
    runs_.front().first = blocks.first;
    runs_.front().count += blocks.count;
  } else {
    runs_.push_front(blocks);
  }
}

std::vector<run> block_queue::take(std::uint64_t blocks_max, std::size_t runs_max) {
  std::vector<run> taken;
  while (!runs_.empty() && blocks_max > 0 && taken.size() < runs_max) {
    run& front = runs_.front();
    if (!taken.empty() && front.first < taken.back().end()) break;  // not ascending any more
    const auto count = std::min(front.count, blocks_max);
    append(taken, {.first = front.first, .count = count});
    blocks_max -= count;
    front.first += count;
    front.count -= count;
    if (front.count == 0) runs_.pop_front();
  }
  return taken;
}

std::optional<std::uint64_t> block_queue::take_one() {
  const auto taken = take(1, 1);
  if (taken.empty()) return std::nullopt;
  return taken.front().first;
}

bool block_set::insert(std::uint64_t block) {
  if (bits_[block]) return false;
  bits_[block] = true;
  ++count_;
  return true;
}

}  // namespace sluice::client
