// For tests: a disk that loses power, as a model.
//
// What a program does to a volume is a list of calls (`disk_call`), written down by
// crash_recorder.h while it runs. `crash_disk` takes the calls one after the other, and tells after
// each of them what would be found on the disk if the power went off then.
//
// What survives is what POSIX promises, with what ext4 and xfs promise of a rename, and nothing
// more:
//   - content and size: by fdatasync, fsync or syncfs that began after the write;
//   - mode and time: by fsync of the file, or syncfs;
//   - a name: by fsync of its folder, or syncfs. Not by fsync of the file;
//   - a rename is one step: the old name or the new one. The new one is durable by fsync of the
//     new folder; the old one may come back beside it until its own folder is synced after that;
//   - after a failed sync, what it should have written is never promised again.
// All else may be there or not, a write by sectors.
//
// Values; one thread at a time.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/digest.h"

namespace sluice::store {

// A file or a folder for as long as it exists: the model's inode number. Never used twice.
using node_id = std::uint64_t;
inline constexpr node_id root_node = 1;

// What a disk writes in one piece.
inline constexpr std::size_t sector_bytes = 512;

struct name_slot {
  node_id folder = 0;
  std::string name{};
  friend auto operator<=>(const name_slot&, const name_slot&) = default;
};

// --- What one call changes ---

struct node_made {
  node_id node = 0;
  bool is_folder = false;
  mode_t mode = 0;
};
struct name_given {
  name_slot at;
  node_id node = 0;
};
struct name_removed {
  name_slot at;
  node_id node = 0;
};
struct name_moved {
  name_slot from;
  name_slot to;
  node_id node = 0;
};
struct bytes_written {
  node_id node = 0;
  std::uint64_t offset = 0;
  std::shared_ptr<const std::vector<std::byte>> bytes;
};
struct size_changed {
  node_id node = 0;
  std::uint64_t size_bytes = 0;
  bool grows_only = false;  // as fallocate; else as ftruncate
};
struct attributes_set {
  node_id node = 0;
  std::optional<mode_t> mode{};
  std::optional<std::int64_t> mtime_ns{};
};
enum class sync_kind : std::uint8_t { content, everything, volume };  // fdatasync, fsync, syncfs
struct node_synced {
  sync_kind kind = sync_kind::content;
  node_id node = 0;
  std::size_t begun = 0;  // covers the calls before this one
  bool failed = false;
};
using disk_change = std::variant<node_made, name_given, name_removed, name_moved, bytes_written,
                                 size_changed, attributes_set, node_synced>;

struct disk_call {
  std::string text{};  // for people: "pwrite 5f..part 0+4096"
  std::vector<disk_change> changes{};
};

// --- What is found ---

struct disk_content {
  std::vector<std::byte> bytes{};
  mutable std::optional<base::digest128> digest{};  // once it was asked for
};
using content_ptr = std::shared_ptr<const disk_content>;

struct disk_attributes {
  mode_t mode = 0;
  std::int64_t mtime_ns = 0;
};

struct image_node {
  bool is_folder = false;
  disk_attributes attributes{};
  content_ptr content{};                   // of a file
  std::map<std::string, node_id> names{};  // of a folder
};

// All that can be reached from `root_node`.
struct disk_image {
  std::map<node_id, image_node> nodes{};

  // The same for equal images.
  [[nodiscard]] base::digest128 digest() const;
};

enum class survival_mode : std::uint8_t {
  keep,  // all that was not synced
  drop,  // none of it
  torn,  // each piece by the toss of a coin
};
struct survival {
  survival_mode mode = survival_mode::keep;
  std::uint64_t seed = 0;  // of the tosses
  [[nodiscard]] std::string text() const;
};

class crash_disk {
 public:
  // Everything in `start` is durable.
  explicit crash_disk(const disk_image& start);

  void apply(const disk_call& call);

  // What is found when the power goes off behind the last call.
  [[nodiscard]] disk_image found(const survival& how) const;

 private:
  struct content_change {
    std::size_t at = 0;  // which call
    std::optional<bytes_written> write{};
    std::optional<size_changed> resize{};
    bool doomed = false;  // a sync of it failed
  };
  struct attribute_change {
    std::size_t at = 0;
    disk_attributes now{};
  };
  struct node {
    bool is_folder = false;
    disk_attributes attributes{};
    content_ptr content{};
    std::map<std::string, node_id> names{};
    std::vector<content_change> contents{};  // not durable yet, in order
    std::vector<attribute_change> changes{};
    mutable content_ptr kept{};  // all of `contents` applied, once it was asked for
  };
  struct name_change {
    std::size_t at = 0;
    std::optional<name_slot> gone{};
    std::optional<name_slot> got{};
    node_id node = 0;
  };
  class coins;

  void take(const node_made& what);
  void take(const name_given& what);
  void take(const name_removed& what);
  void take(const name_moved& what);
  void take(const bytes_written& what);
  void take(const size_changed& what);
  void take(const attributes_set& what);
  void take(const node_synced& what);
  void sync_content(node& of, std::size_t begun);
  static void doom(node& of, std::size_t begun);
  static void sync_attributes(node& of, std::size_t begun);
  void sync_names(std::optional<node_id> folder, std::size_t begun);
  [[nodiscard]] disk_attributes latest(const node& of) const;
  [[nodiscard]] static content_ptr whole(const node& of);
  [[nodiscard]] static content_ptr torn(const node& of, coins& toss);
  void put_names(std::map<node_id, std::map<std::string, node_id>>& names, const survival& how,
                 coins& toss) const;

  std::map<node_id, node> nodes_;
  std::vector<name_change> name_changes_;  // not durable yet, in order
  std::size_t calls_ = 0;
};

}  // namespace sluice::store
