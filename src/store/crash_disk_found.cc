// What is found after the power went off.
#include <algorithm>
#include <cstring>
#include <span>

#include "store/crash_disk.h"

namespace sluice::store {

// splitmix64 (Sebastiano Vigna): small, and the same everywhere.
class crash_disk::coins {
 public:
  coins(std::uint64_t seed, std::uint64_t point)
      : state_(seed * 0x9e3779b97f4a7c15 + point * 0xd1342543de82ef95) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  bool toss() { return (next() >> 63) != 0; }
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(next() % end); }

 private:
  std::uint64_t state_;
};

std::string survival::text() const {
  switch (mode) {
    case survival_mode::keep: return "keep";
    case survival_mode::drop: return "drop";
    case survival_mode::torn: return "torn." + std::to_string(seed);
  }
  return {};
}

namespace {

using bytes = std::vector<std::byte>;

void write_part(bytes& out, const bytes_written& write, std::uint64_t from, std::uint64_t to) {
  if (out.size() < to) out.resize(to);
  std::memcpy(out.data() + from, write.bytes->data() + (from - write.offset), to - from);
}

}  // namespace

// A write is lost, there, or there in some of its sectors; the size is that of any moment since.
content_ptr crash_disk::torn(const node& of, coins& toss) {
  if (of.contents.empty()) return of.content;
  bytes now = of.content->bytes;
  std::vector<std::uint64_t> sizes{now.size()};
  for (const auto& change : of.contents) {
    if (change.resize) {
      const auto& to = *change.resize;
      sizes.push_back(to.grows_only ? std::max(sizes.back(), to.size_bytes) : to.size_bytes);
      const bool cuts = !to.grows_only && to.size_bytes < now.size();
      if (cuts && toss.toss()) now.resize(to.size_bytes);
      continue;
    }
    const auto& write = *change.write;
    const auto end = write.offset + write.bytes->size();
    sizes.push_back(std::max(sizes.back(), end));
    const auto luck = toss.below(4);  // 0: lost, 1: there, else sector by sector
    for (auto at = write.offset; at < end;) {
      const auto next = luck == 1 ? end : std::min(end, (at / sector_bytes + 1) * sector_bytes);
      if (luck == 1 || (luck > 1 && toss.toss())) write_part(now, write, at, next);
      at = luck == 0 ? end : next;
    }
  }
  now.resize(sizes[toss.below(sizes.size())]);
  auto content = std::make_shared<disk_content>();
  content->bytes = std::move(now);
  return content;
}

// A name's changes survive in their order: none without those before it.
void crash_disk::put_names(std::map<node_id, std::map<std::string, node_id>>& names,
                           const survival& how, coins& toss) const {
  if (how.mode == survival_mode::drop) return;
  std::set<name_slot> lost;
  const auto depends = [&](const std::optional<name_slot>& slot) {
    return slot && lost.contains(*slot);
  };
  for (const auto& change : name_changes_) {
    const bool kept = how.mode == survival_mode::keep || toss.toss();
    if (!kept || depends(change.gone) || depends(change.got)) {
      if (change.gone) lost.insert(*change.gone);
      if (change.got) lost.insert(*change.got);
      continue;
    }
    if (change.got) names[change.got->folder][change.got->name] = change.node;
    if (!change.gone) continue;
    auto& folder = names[change.gone->folder];
    const auto old = folder.find(change.gone->name);
    if (old != folder.end() && old->second == change.node) folder.erase(old);
  }
}

disk_image crash_disk::found(const survival& how) const {
  coins toss(how.seed, calls_);
  std::map<node_id, std::map<std::string, node_id>> names;
  for (const auto& [id, one] : nodes_) {
    if (one.is_folder) names[id] = one.names;
  }
  put_names(names, how, toss);

  disk_image image;
  std::vector<node_id> waiting{root_node};
  while (!waiting.empty()) {
    const node_id id = waiting.back();
    waiting.pop_back();
    if (image.nodes.contains(id)) continue;
    const node& from = nodes_.at(id);
    image_node& made = image.nodes[id];
    made.is_folder = from.is_folder;
    made.attributes = from.attributes;
    if (how.mode == survival_mode::keep) made.attributes = latest(from);
    if (how.mode == survival_mode::torn) {
      const auto which = toss.below(from.changes.size() + 1);
      if (which > 0) made.attributes = from.changes[which - 1].now;
    }
    if (from.is_folder) {
      made.names = names[id];
      for (const auto& [name, below] : made.names) waiting.push_back(below);
    } else if (how.mode == survival_mode::keep) {
      made.content = whole(from);
    } else {
      made.content = how.mode == survival_mode::drop ? from.content : torn(from, toss);
    }
  }
  return image;
}

namespace {

template <class T>
void add(bytes& out, const T& value) {
  const auto raw = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), raw.begin(), raw.end());
}

}  // namespace

base::digest128 disk_image::digest() const {
  bytes all;
  for (const auto& [id, one] : nodes) {
    add(all, id);
    add(all, one.attributes.mode);
    add(all, one.attributes.mtime_ns);
    for (const auto& [name, below] : one.names) {
      const auto raw = std::as_bytes(std::span(name));
      all.insert(all.end(), raw.begin(), raw.end());
      add(all, below);
    }
    if (!one.content) continue;
    if (!one.content->digest) one.content->digest = base::digest_of(one.content->bytes);
    add(all, one.content->bytes.size());
    add(all, *one.content->digest);
  }
  return base::digest_of(all);
}

}  // namespace sluice::store
