// What the store tells about a file or a folder. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::store {

enum class entry_kind : std::uint8_t { file, folder };

// Tells one content from another under the same name: a file that was replaced has a new one, a
// file that was renamed keeps its own. `btime_ns` is the time of creation, 0 where the volume has
// none. Content that is written in place keeps its identity: compare size and mtime as well.
struct identity {
  // Of the volume, or 0 for the one that the served folder is on: its number may be another one
  // after the next mount, and what is known about its files is worth to be kept.
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::int64_t btime_ns = 0;

  friend bool operator==(const identity&, const identity&) = default;
};

struct entry {
  std::string name{};  // the last part of its path; in a listing, the path below the listed folder
  entry_kind kind = entry_kind::file;
  std::uint64_t size_bytes = 0;  // 0 for a folder
  std::int64_t mtime_ns = 0;     // nanoseconds since 1970-01-01 UTC
  bool executable = false;       // a file that its owner may execute
  identity id{};

  friend bool operator==(const entry&, const entry&) = default;
};

// How a name may be taken. By default it must be free, and nothing is ever overwritten.
struct name_policy {
  bool replaces = false;      // the name must hold exactly `replaced`, which is lost
  bool make_parents = false;  // make the missing folders above the name
  identity replaced{};
};
inline constexpr name_policy no_replace{};
[[nodiscard]] inline name_policy replace(const identity& expected) {
  return {.replaces = true, .replaced = expected};
}

// What a finished file is to look like. The rest of the mode is the process's umask.
struct final_form {
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  bool executable = false;
};

}  // namespace sluice::store
