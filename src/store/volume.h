// What a store's objects share: the descriptors, the settings, and the volume's health. Internal to
// the room.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/error.h"
#include "store/entry.h"
#include "store/file.h"
#include "store/fresh_folders.h"
#include "store/open_file.h"
#include "store/path.h"

namespace sluice::store {

// Runs a call of the layer again while it answers EINTR.
template <class Call>
auto uninterrupted(Call&& call) {
  auto answer = call();
  while (answer == -EINTR) answer = call();
  return answer;
}

// Short counts and EINTR looped. `read_full` answers fewer bytes only at the end of the file. The
// context of an error is `what`.
[[nodiscard]] result<void> write_all(file_layer& files, int fd, std::uint64_t offset,
                                     std::span<const std::byte> bytes, std::string_view what);
[[nodiscard]] result<std::size_t> read_full(file_layer& files, int fd, std::uint64_t offset,
                                            std::span<std::byte> out, std::string_view what);

// "open a/b.mp4"; the root is shown as "/".
[[nodiscard]] std::string doing(std::string_view verb, const rel_path& path);

[[nodiscard]] struct timespec to_timespec(std::int64_t time_ns) noexcept;
[[nodiscard]] std::int64_t ns_of(const struct statx_timestamp& time) noexcept;

// Makes one run of a sync out of many calls: who calls while one runs shares the next. The kernel
// tells a failure to one caller only, so the runs are one sequence, and a failed run fails for
// everyone who waited for it.
class sync_group {
 public:
  template <class Run>
  [[nodiscard]] result<void> join(Run&& run_once);

 private:
  std::mutex mutex_;
  std::condition_variable ended_one_;
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t last_failed_ = 0;
  error failure_;
};

template <class Run>
result<void> sync_group::join(Run&& run_once) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = begun_ + 1;  // the first run that begins after this call
  while (ended_ < mine) {
    if (begun_ != ended_) {
      ended_one_.wait(lock);
      continue;
    }
    const std::uint64_t run = ++begun_;
    lock.unlock();
    result<void> outcome = run_once();
    lock.lock();
    ended_ = run;
    if (!outcome) {
      last_failed_ = run;
      failure_ = std::move(outcome).error();
    }
    ended_one_.notify_all();
  }
  if (last_failed_ >= mine) return std::unexpected(failure_);
  return {};
}

class volume {
 public:
  volume(file_layer& layer, mode_t mask, std::uint64_t reserve)
      : files(layer), umask(mask), reserve_bytes(reserve) {}

  // --- Below the root: beneath it, no links. `path_flags` gets O_CLOEXEC added. ---

  [[nodiscard]] result<open_file> open_to_read(const rel_path& path, int open_flags) const;

  // The same where no part of the way needs the disk; nullopt: perhaps it does.
  [[nodiscard]] std::optional<result<open_file>> try_open_to_read(const rel_path& path,
                                                                  int open_flags) const;

  // Also refuses to leave the root's volume: what is written elsewhere could be neither published
  // atomically nor synced.
  [[nodiscard]] result<open_file> open_to_change(const rel_path& folder,
                                                 std::string_view verb) const;

  // One name in an open folder. Links are never followed.
  [[nodiscard]] result<open_file> open_in(int dir_fd, const std::string& name, int open_flags,
                                          mode_t mode, const std::string& what) const;

  // A folder in an open folder, on whatever volume, for reading; "." opens the same one anew.
  [[nodiscard]] result<open_file> open_below(int dir_fd, const std::string& name) const;

  // Files and folders only: anything else is `not_found`. The entry's name is left empty.
  [[nodiscard]] result<entry> stat_in(int dir_fd, const char* name, const std::string& what) const;
  [[nodiscard]] result<entry> stat_open(int fd, const std::string& what) const;

  // Counts a read while it runs.
  class running_read {
   public:
    explicit running_read(volume& home) : home_(home) { ++home_.reads_running; }
    ~running_read() { --home_.reads_running; }
    running_read(const running_read&) = delete;
    running_read& operator=(const running_read&) = delete;

   private:
    volume& home_;
  };

  // --- Health ---

  // Fails while the volume refuses writes.
  [[nodiscard]] result<void> check_writable() const;

  // Turns the answer of a sync call into a result. A failure for another reason than space closes
  // the volume to writes.
  [[nodiscard]] result<void> judge_sync(int answer, const std::string& what);
  [[nodiscard]] std::optional<error> failure() const;
  void readmit();

  // syncfs, and fsync of the partials folder, in groups.
  [[nodiscard]] result<void> sync_all();
  [[nodiscard]] result<void> sync_partials();

  // --- Names ---

  // Held while a name is checked and then taken away or replaced, so that no other caller of this
  // store changes it in between. Two stripes for a rename.
  class name_lock {
   public:
    name_lock() = default;  // of nothing
    explicit name_lock(std::mutex& one) : first_(one) {}
    name_lock(std::mutex& one, std::mutex& two);

   private:
    std::unique_lock<std::mutex> first_;
    std::unique_lock<std::mutex> second_;
  };
  [[nodiscard]] std::mutex& stripe_of(const identity& folder, std::string_view name) noexcept;

  [[nodiscard]] std::string temporary_name();

  file_layer& files;
  const mode_t umask;
  const std::uint64_t reserve_bytes;
  std::function<void(const rel_path&)> on_folder_made;  // set at opening
  bool read_only = false;     // set at opening: what is served is on a volume without writes
  std::uint64_t own_dev = 0;  // likewise: the root's, which is told as 0
  bool is_local = false;      // likewise: names and attributes in memory need no one else's answer
  open_file root;
  open_file partials;
  open_file lock_file;
  fresh_folders fresh;
  std::atomic<unsigned> reads_running = 0;  // that may wait for the disk
  std::atomic<bool> has_tmpfile = true;     // until O_TMPFILE is refused

 private:
  mutable std::mutex health_;
  std::atomic<bool> refuses_ = false;
  std::optional<error> failure_;

  sync_group all_syncs_;
  sync_group partials_syncs_;

  std::array<std::mutex, 64> stripes_;
  std::atomic<std::uint64_t> next_temporary_ = 0;
};

inline constexpr std::string_view partial_suffix = ".part";
inline constexpr std::string_view temporary_suffix = ".tmp";

}  // namespace sluice::store
