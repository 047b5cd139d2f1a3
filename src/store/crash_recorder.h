// For tests: a file layer that works on a real folder and writes down all that changes it, for
// crash_disk.h; and the other way, a folder made as it is found after the power went off.
//
// Files are known by a number of the model (`node_id`), which `statx` tells as inode and time of
// birth: so a file that was made anew in another folder, from an image, is the same file to the
// store and the catalog.
#pragma once

#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "store/crash_disk.h"
#include "store/forwarding_files.h"

namespace sluice::store {

// Makes `image` in `folder`, an empty one, which is its root. The node of each inode there.
[[nodiscard]] std::map<ino_t, node_id> make_folder_of(const disk_image& image,
                                                      const std::filesystem::path& folder);

// Any thread. What changes the folder is made and written down as one step; a sync is not one: it
// covers what was done before it began.
class crash_recorder : public forwarding_files {
 public:
  // `nodes` are those of the inodes in `root`, as `make_folder_of` gave them. What is made gets
  // numbers of this `generation`, so that none is taken for a file that went with the power.
  crash_recorder(const std::filesystem::path& root, std::map<ino_t, node_id> nodes,
                 unsigned generation);

  // How many calls were written down: what is told to somebody now depends on no later one.
  [[nodiscard]] std::size_t position();
  // Only while nobody uses it.
  [[nodiscard]] const std::vector<disk_call>& calls() const { return calls_; }

  // The next calls of this kind are answered so, once each, instead of being made.
  void fail_next(file_call call, int answer);
  // The volume makes no file without a name; gives no name only where it is free.
  std::atomic<bool> no_tmpfile = false;
  std::atomic<bool> no_noreplace = false;
  // Runs once, when the next of these syncs has begun, `skipped` of them left out; several wait for
  // one after the other. `during_no_other` forgets those that still wait.
  void during_next(file_call sync, std::function<void()> action, std::size_t skipped = 0);
  void during_no_other();

  // --- Files that are not used through the layer: the catalog's ---

  // True on a thread that is inside one of the layer's own calls.
  [[nodiscard]] static bool is_inside();
  [[nodiscard]] bool holds(const char* path) const;  // below `root`
  [[nodiscard]] node_id node_of(const char* path);
  [[nodiscard]] node_id node_of(int fd);  // 0: not below `root`
  // A file that was just made, for which the number is asked.
  node_id note_made(const char* path);
  void note_removed(const char* path, node_id node);
  void note_written(node_id node, std::uint64_t offset, std::span<const std::byte> bytes);
  void note_resized(node_id node, std::uint64_t size_bytes);
  void note_synced(node_id node, sync_kind kind, std::size_t begun);
  void note_folder_synced(const char* path_in_it, std::size_t begun);

  // --- The layer ---

  int openat2(int dir_fd, const char* path, int flags, mode_t mode, std::uint64_t resolve) override;
  int mkdirat(int dir_fd, const char* name, mode_t mode) override;
  int renameat2(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                unsigned flags) override;
  int linkat(int from_dir_fd, const char* from, int to_dir_fd, const char* to, int flags) override;
  int unlinkat(int dir_fd, const char* name, int flags) override;
  int statx(int dir_fd, const char* path, int flags, unsigned mask, struct statx* out) override;
  ssize_t pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) override;
  int fallocate(int fd, int mode, std::int64_t offset, std::int64_t count) override;
  int ftruncate(int fd, std::int64_t size) override;
  int fchmod(int fd, mode_t mode) override;
  int futimens(int fd, const struct timespec times[2]) override;
  int fdatasync(int fd) override;
  int fsync(int fd) override;
  int syncfs(int fd) override;

 private:
  template <class Call>
  int sync(file_call call, int fd, sync_kind kind, Call&& run);
  int told_for(file_call call);
  void add(std::string text, std::vector<disk_change> changes);  // with `mutex_`
  [[nodiscard]] node_id known(ino_t inode) const;
  node_id adopt(ino_t inode);
  [[nodiscard]] name_slot slot_at(int dir_fd, const std::string& path) const;
  [[nodiscard]] std::string name_of(node_id node) const;

  const std::string root_;
  std::recursive_mutex mutex_;
  std::map<ino_t, node_id> nodes_;
  std::map<node_id, std::string> shown_;
  node_id last_node_;
  std::vector<disk_call> calls_;
  std::map<file_call, std::deque<int>> failures_;
  std::map<file_call, std::deque<std::function<void()>>> during_;
};

}  // namespace sluice::store
