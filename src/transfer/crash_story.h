// For tests of crashes: what a client was told, and so what must be found after a crash, when.
//
// A workload tells its story while it runs; each event has its place among the calls that the disk
// saw. `story::after` gives what counts when the power goes off behind a call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "transfer/test_world.h"

namespace sluice::transfer::test {

// A file's content with what it is compared by.
struct known_file {
  std::shared_ptr<const bytes> content;
  std::vector<base::digest128> digests;  // of its blocks
  std::int64_t mtime_ns = 0;
  bool executable = false;
  friend bool operator==(const known_file& a, const known_file& b) {
    return a.content->size() == b.content->size() && a.digests == b.digests &&
           a.mtime_ns == b.mtime_ns && a.executable == b.executable;
  }
};
[[nodiscard]] known_file file_of(bytes content, std::int64_t mtime_ns = 1'600'000'000'123'456'789,
                                 bool executable = false);

// Much of it is zeros, which cost nothing to write and to compare; each 64 KiB differ.
[[nodiscard]] bytes sparse_content(std::uint64_t size_bytes, std::uint64_t seed);

// What may be under a name.
struct place {
  enum class kind : std::uint8_t { nothing, folder, file };
  kind is = kind::nothing;
  known_file file{};
  std::optional<std::int64_t> folder_mtime_ns{};
};
[[nodiscard]] inline place nothing() { return {}; }
[[nodiscard]] inline place folder(std::optional<std::int64_t> mtime_ns = {}) {
  return {.is = place::kind::folder, .folder_mtime_ns = mtime_ns};
}
[[nodiscard]] inline place holding(known_file file) {
  return {.is = place::kind::file, .file = std::move(file)};
}

struct known_upload {
  std::string path;
  std::map<std::uint64_t, base::digest128> acknowledged;  // and not sent again differently since
  std::uint64_t acknowledged_bytes = 0;  // from the beginning, of one that is written serially
  known_file file;                       // of these bytes
  std::optional<std::uint64_t> declared_bytes;  // its size, told to be known
  bool may_be_done = false;
  bool may_be_gone = false;
  bool is_done = false;  // told so
  bool is_gone = false;
  bool was_taken_away = false;  // from its name, maybe after it was done
};

// What counts at one moment.
struct expectation {
  std::map<std::string, std::vector<place>> names;  // a name that is not here holds nothing
  std::map<std::string, known_upload> uploads;
  // One of the names holds this file: a rename loses none.
  std::vector<std::pair<known_file, std::vector<std::string>>> somewhere;

  void may(const std::string& path, const place& what);
  void must(const std::string& path, const place& what) { names[path] = {what}; }
};

class story {
 public:
  using event = std::function<void(expectation&)>;

  // `now` is asked for the place among the calls.
  explicit story(std::function<std::size_t()> now) : now_(std::move(now)) {}

  // Any thread.
  void tell(event what);

  // Goes through the events in order. `events_before(k)` of them happened before call k.
  [[nodiscard]] std::size_t events_before(std::size_t position) const;
  void apply(std::size_t event_number, expectation& to) const { events_[event_number].second(to); }

 private:
  std::function<std::size_t()> now_;
  mutable std::mutex mutex_;
  std::vector<std::pair<std::size_t, event>> events_;
};

}  // namespace sluice::transfer::test
