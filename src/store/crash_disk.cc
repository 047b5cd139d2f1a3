// What each call makes of the disk, and what a sync makes durable.
#include "store/crash_disk.h"

#include <algorithm>
#include <cstring>

namespace sluice::store {

namespace {

using bytes = std::vector<std::byte>;

content_ptr content_from(bytes made) {
  auto content = std::make_shared<disk_content>();
  content->bytes = std::move(made);
  return content;
}

void write_into(bytes& out, const bytes_written& write) {
  const auto end = write.offset + write.bytes->size();
  if (out.size() < end) out.resize(end);
  std::memcpy(out.data() + write.offset, write.bytes->data(), write.bytes->size());
}

void resize(bytes& out, const size_changed& how) {
  if (how.grows_only && out.size() >= how.size_bytes) return;
  out.resize(how.size_bytes);
}

// What is left of a write when [from, to) of it was written anew.
std::vector<bytes_written> around(const bytes_written& write, std::uint64_t from,
                                  std::uint64_t to) {
  std::vector<bytes_written> left;
  const auto end = write.offset + write.bytes->size();
  const auto add = [&](std::uint64_t first, std::uint64_t last) {
    if (first >= last) return;
    const auto* at = write.bytes->data() + (first - write.offset);
    left.push_back({write.node, first, std::make_shared<const bytes>(at, at + (last - first))});
  };
  add(write.offset, std::min(from, end));
  add(std::max(to, write.offset), end);
  return left;
}

}  // namespace

crash_disk::crash_disk(const disk_image& start) {
  for (const auto& [id, found] : start.nodes) {
    node& made = nodes_[id];
    made.is_folder = found.is_folder;
    made.attributes = found.attributes;
    made.content = found.content;
    made.names = found.names;
  }
}

void crash_disk::apply(const disk_call& call) {
  for (const auto& change : call.changes) {
    std::visit([this](const auto& what) { take(what); }, change);
  }
  ++calls_;
}

void crash_disk::take(const node_made& what) {
  node& made = nodes_[what.node];
  made.is_folder = what.is_folder;
  made.attributes.mode = what.mode;
  if (!what.is_folder) made.content = content_from({});
}

void crash_disk::take(const name_given& what) {
  name_changes_.push_back({calls_, std::nullopt, what.at, what.node});
}
void crash_disk::take(const name_removed& what) {
  name_changes_.push_back({calls_, what.at, std::nullopt, what.node});
}
void crash_disk::take(const name_moved& what) {
  name_changes_.push_back({calls_, what.from, what.to, what.node});
}

void crash_disk::take(const bytes_written& what) {
  node& at = nodes_.at(what.node);
  at.contents.push_back({.at = calls_, .write = what});
  at.kept.reset();
}
void crash_disk::take(const size_changed& what) {
  node& at = nodes_.at(what.node);
  at.contents.push_back({.at = calls_, .resize = what});
  at.kept.reset();
}
void crash_disk::take(const attributes_set& what) {
  node& at = nodes_.at(what.node);
  disk_attributes now = latest(at);
  if (what.mode) now.mode = *what.mode;
  if (what.mtime_ns) now.mtime_ns = *what.mtime_ns;
  at.changes.push_back({calls_, now});
}

void crash_disk::take(const node_synced& what) {
  const auto each = [&](node& of) {
    if (what.failed) return doom(of, what.begun);
    sync_content(of, what.begun);
    if (what.kind != sync_kind::content) sync_attributes(of, what.begun);
  };
  if (what.kind == sync_kind::volume) {
    for (auto& [id, one] : nodes_) each(one);
    if (!what.failed) sync_names(std::nullopt, what.begun);
    return;
  }
  each(nodes_.at(what.node));
  const bool names = what.kind == sync_kind::everything && nodes_.at(what.node).is_folder;
  if (names && !what.failed) sync_names(what.node, what.begun);
}

// What an earlier sync failed to write stays undecided, but for what was written over it since.
void crash_disk::sync_content(node& of, std::size_t begun) {
  if (of.contents.empty() || of.contents.front().at >= begun) return;
  bytes now = of.content->bytes;
  std::vector<content_change> left;
  for (auto& change : of.contents) {
    if (change.at >= begun || change.doomed) {
      left.push_back(std::move(change));
      continue;
    }
    if (change.resize) {
      resize(now, *change.resize);
      continue;
    }
    write_into(now, *change.write);
    const auto from = change.write->offset;
    const auto to = from + change.write->bytes->size();
    std::vector<content_change> others;
    for (auto& one : left) {
      if (!one.write) {
        others.push_back(std::move(one));
        continue;
      }
      for (auto& part : around(*one.write, from, to)) {
        others.push_back({.at = one.at, .write = std::move(part), .doomed = one.doomed});
      }
    }
    left = std::move(others);
  }
  of.content = content_from(std::move(now));
  of.contents = std::move(left);
  of.kept.reset();
}

void crash_disk::doom(node& of, std::size_t begun) {
  for (auto& change : of.contents) change.doomed = change.doomed || change.at < begun;
}

void crash_disk::sync_attributes(node& of, std::size_t begun) {
  std::erase_if(of.changes, [&](const attribute_change& change) {
    if (change.at >= begun) return false;
    of.attributes = change.now;
    return true;
  });
}

// Of all folders, where none is named.
void crash_disk::sync_names(std::optional<node_id> folder, std::size_t begun) {
  const auto covers = [&](const std::optional<name_slot>& slot) {
    return slot && (!folder || slot->folder == *folder);
  };
  std::erase_if(name_changes_, [&](name_change& change) {
    if (change.at >= begun) return false;
    bool got_it = !change.got;
    if (covers(change.got)) {
      nodes_.at(change.got->folder).names[change.got->name] = change.node;
      change.got.reset();
      got_it = true;
      // A folder has one name at a time.
      if (change.gone && nodes_.at(change.node).is_folder) {
        nodes_.at(change.gone->folder).names.erase(change.gone->name);
        change.gone.reset();
      }
    }
    if (got_it && covers(change.gone)) {
      auto& names = nodes_.at(change.gone->folder).names;
      const auto old = names.find(change.gone->name);
      if (old != names.end() && old->second == change.node) names.erase(old);
      change.gone.reset();
    }
    return !change.gone && !change.got;
  });
}

disk_attributes crash_disk::latest(const node& of) const {
  return of.changes.empty() ? of.attributes : of.changes.back().now;
}

content_ptr crash_disk::whole(const node& of) {
  if (of.contents.empty()) return of.content;
  if (!of.kept) {
    bytes now = of.content->bytes;
    for (const auto& change : of.contents) {
      if (change.write) write_into(now, *change.write);
      if (change.resize) resize(now, *change.resize);
    }
    of.kept = content_from(std::move(now));
  }
  return of.kept;
}

}  // namespace sluice::store
