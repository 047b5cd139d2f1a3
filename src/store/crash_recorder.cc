#include "store/crash_recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace sluice::store {

namespace {

thread_local int inside_calls = 0;

// On this thread a call of the layer is being made.
struct inside {
  inside() { ++inside_calls; }
  ~inside() { --inside_calls; }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
};

ino_t inode_of(int fd) {
  struct stat seen{};
  return ::fstat(fd, &seen) == 0 ? seen.st_ino : 0;
}
ino_t inode_at(int dir_fd, const std::string& path) {
  struct stat seen{};
  return ::fstatat(dir_fd, path.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0 ? seen.st_ino : 0;
}

std::string range(std::uint64_t offset, std::uint64_t count) {
  return " " + std::to_string(offset) + "+" + std::to_string(count);
}

}  // namespace

bool crash_recorder::is_inside() { return inside_calls > 0; }

crash_recorder::crash_recorder(const std::filesystem::path& root, std::map<ino_t, node_id> nodes,
                               unsigned generation)
    : forwarding_files(linux_files()),
      root_(root.string()),
      nodes_(std::move(nodes)),
      last_node_(root_node + node_id{generation} * 1'000'000) {}

std::size_t crash_recorder::position() {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

void crash_recorder::add(std::string text, std::vector<disk_change> changes) {
  calls_.push_back({std::move(text), std::move(changes)});
}

void crash_recorder::fail_next(file_call call, int answer) {
  const std::lock_guard lock(mutex_);
  failures_[call].push_back(answer);
}

void crash_recorder::during_next(file_call sync, std::function<void()> action,
                                 std::size_t skipped) {
  const std::lock_guard lock(mutex_);
  auto& waiting = during_[sync];
  waiting.resize(waiting.size() + skipped);
  waiting.push_back(std::move(action));
}

void crash_recorder::during_no_other() {
  const std::lock_guard lock(mutex_);
  during_.clear();
}

int crash_recorder::told_for(file_call call) {
  const std::lock_guard lock(mutex_);
  auto& waiting = failures_[call];
  if (waiting.empty()) return 0;
  const int told = waiting.front();
  waiting.pop_front();
  return told;
}

node_id crash_recorder::known(ino_t inode) const {
  const auto found = nodes_.find(inode);
  return found == nodes_.end() ? 0 : found->second;
}

// An inode that was just made, maybe with the number of one that is gone.
node_id crash_recorder::adopt(ino_t inode) { return nodes_[inode] = ++last_node_; }

name_slot crash_recorder::slot_at(int dir_fd, const std::string& path) const {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {known(inode_of(dir_fd)), path};
  return {known(inode_at(dir_fd, path.substr(0, slash))), path.substr(slash + 1)};
}

std::string crash_recorder::name_of(node_id node) const {
  const auto found = shown_.find(node);
  return "#" + std::to_string(node) + (found == shown_.end() ? "" : " " + found->second);
}

// --- Names ---

int crash_recorder::openat2(int dir_fd, const char* path, int flags, mode_t mode,
                            std::uint64_t resolve) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
  if (unnamed && no_tmpfile) return -EOPNOTSUPP;
  const bool makes = (flags & O_CREAT) != 0;
  const bool there = makes && inode_at(dir_fd, path) != 0;
  const int fd = forwarding_files::openat2(dir_fd, path, flags, mode, resolve);
  if (fd < 0 || !(unnamed || (makes && !there))) return fd;
  const node_id node = adopt(inode_of(fd));
  shown_[node] = path;
  std::vector<disk_change> changes{node_made{node, false, mode}};
  if (!unnamed) changes.emplace_back(name_given{slot_at(dir_fd, path), node});
  add("make " + name_of(node), std::move(changes));
  return fd;
}

int crash_recorder::mkdirat(int dir_fd, const char* name, mode_t mode) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const int answer = forwarding_files::mkdirat(dir_fd, name, mode);
  if (answer < 0) return answer;
  const node_id node = adopt(inode_at(dir_fd, name));
  const name_slot at = slot_at(dir_fd, name);
  shown_[node] = at.name;
  add("mkdirat " + name_of(node), {node_made{node, true, mode}, name_given{at, node}});
  return answer;
}

int crash_recorder::renameat2(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                              unsigned flags) {
  const inside now;
  const std::lock_guard lock(mutex_);
  if (flags != 0 && no_noreplace) return -EINVAL;
  const int answer = forwarding_files::renameat2(from_dir_fd, from, to_dir_fd, to, flags);
  if (answer < 0) return answer;
  const node_id node = known(inode_at(to_dir_fd, to));
  add("renameat2 " + name_of(node) + " to " + to,
      {name_moved{slot_at(from_dir_fd, from), slot_at(to_dir_fd, to), node}});
  shown_[node] = to;
  return answer;
}

int crash_recorder::linkat(int from_dir_fd, const char* from, int to_dir_fd, const char* to,
                           int flags) {
  const inside now;
  const std::lock_guard lock(mutex_);
  if (const int told = told_for(file_call::linkat); told != 0) return told;
  const int answer = forwarding_files::linkat(from_dir_fd, from, to_dir_fd, to, flags);
  if (answer < 0) return answer;
  const node_id node = known(inode_at(to_dir_fd, to));
  shown_[node] = to;
  add("linkat " + name_of(node), {name_given{slot_at(to_dir_fd, to), node}});
  return answer;
}

int crash_recorder::unlinkat(int dir_fd, const char* name, int flags) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const node_id node = known(inode_at(dir_fd, name));
  const int answer = forwarding_files::unlinkat(dir_fd, name, flags);
  if (answer < 0) return answer;
  add("unlinkat " + name_of(node), {name_removed{slot_at(dir_fd, name), node}});
  return answer;
}

int crash_recorder::statx(int dir_fd, const char* path, int flags, unsigned mask,
                          struct statx* out) {
  const int answer = forwarding_files::statx(dir_fd, path, flags, mask, out);
  if (answer < 0) return answer;
  const std::lock_guard lock(mutex_);
  const node_id node = known(out->stx_ino);
  if (node == 0) return answer;
  out->stx_ino = node;
  out->stx_mask |= STATX_BTIME;
  out->stx_btime = {};
  out->stx_btime.tv_sec = static_cast<std::int64_t>(node);
  return answer;
}

// --- Content and attributes ---

ssize_t crash_recorder::pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) {
  if (const int told = told_for(file_call::pwrite); told != 0) return told;
  const inside now;
  const std::lock_guard lock(mutex_);
  const ssize_t count = forwarding_files::pwrite(fd, bytes, offset);
  if (count > 0) {
    note_written(node_of(fd), static_cast<std::uint64_t>(offset),
                 bytes.first(static_cast<std::size_t>(count)));
  }
  return count;
}

int crash_recorder::fallocate(int fd, int mode, std::int64_t offset, std::int64_t count) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const int answer = forwarding_files::fallocate(fd, mode, offset, count);
  if (answer < 0 || mode != 0) return answer;
  const auto size = static_cast<std::uint64_t>(offset + count);
  add("fallocate " + name_of(node_of(fd)) + range(0, size),
      {size_changed{node_of(fd), size, true}});
  return answer;
}

int crash_recorder::ftruncate(int fd, std::int64_t size) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const int answer = forwarding_files::ftruncate(fd, size);
  if (answer == 0) note_resized(node_of(fd), static_cast<std::uint64_t>(size));
  return answer;
}

int crash_recorder::fchmod(int fd, mode_t mode) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const int answer = forwarding_files::fchmod(fd, mode);
  if (answer < 0) return answer;
  add("fchmod " + name_of(node_of(fd)), {attributes_set{.node = node_of(fd), .mode = mode}});
  return answer;
}

int crash_recorder::futimens(int fd, const struct timespec times[2]) {
  const inside now;
  const std::lock_guard lock(mutex_);
  const int answer = forwarding_files::futimens(fd, times);
  if (answer < 0) return answer;
  const std::int64_t mtime_ns = times[1].tv_sec * 1'000'000'000 + times[1].tv_nsec;
  add("futimens " + name_of(node_of(fd)),
      {attributes_set{.node = node_of(fd), .mtime_ns = mtime_ns}});
  return answer;
}

// --- Syncs ---

template <class Call>
int crash_recorder::sync(file_call call, int fd, sync_kind kind, Call&& run) {
  const inside now;
  const std::size_t begun = position();
  std::function<void()> action;
  {
    const std::lock_guard lock(mutex_);
    if (auto& waiting = during_[call]; !waiting.empty()) {
      action = std::move(waiting.front());
      waiting.pop_front();
    }
  }
  if (action) action();
  const int told = told_for(call);
  const int answer = told != 0 ? told : run();
  const std::lock_guard lock(mutex_);
  const node_id node = node_of(fd);
  if (answer == 0) {
    note_synced(node, kind, begun);
  } else {
    add("failed sync of " + name_of(node), {node_synced{kind, node, begun, true}});
  }
  return answer;
}

int crash_recorder::fdatasync(int fd) {
  return sync(file_call::fdatasync, fd, sync_kind::content,
              [&] { return forwarding_files::fdatasync(fd); });
}
int crash_recorder::fsync(int fd) {
  return sync(file_call::fsync, fd, sync_kind::everything,
              [&] { return forwarding_files::fsync(fd); });
}
int crash_recorder::syncfs(int fd) {
  return sync(file_call::syncfs, fd, sync_kind::volume,
              [&] { return 0; });  // of a whole machine's memory
}

// --- Of others ---

bool crash_recorder::holds(const char* path) const {
  const std::string_view text = path;
  return text.starts_with(root_) && text.size() > root_.size() && text[root_.size()] == '/';
}

node_id crash_recorder::node_of(const char* path) {
  const std::lock_guard lock(mutex_);
  return known(inode_at(AT_FDCWD, path));
}

node_id crash_recorder::node_of(int fd) {
  const std::lock_guard lock(mutex_);
  return known(inode_of(fd));
}

node_id crash_recorder::note_made(const char* path) {
  const std::lock_guard lock(mutex_);
  struct stat seen{};
  if (::stat(path, &seen) != 0) return 0;
  const node_id node = adopt(seen.st_ino);
  const name_slot at = slot_at(AT_FDCWD, path);
  shown_[node] = at.name;
  add("make " + name_of(node),
      {node_made{node, false, seen.st_mode & 07777}, name_given{at, node}});
  return node;
}

void crash_recorder::note_removed(const char* path, node_id node) {
  const std::lock_guard lock(mutex_);
  add("unlink " + name_of(node), {name_removed{slot_at(AT_FDCWD, path), node}});
}

void crash_recorder::note_written(node_id node, std::uint64_t offset,
                                  std::span<const std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  add("pwrite " + name_of(node) + range(offset, bytes.size()),
      {bytes_written{node, offset, std::move(copy)}});
}

void crash_recorder::note_resized(node_id node, std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  add("ftruncate " + name_of(node) + range(0, size_bytes), {size_changed{node, size_bytes, false}});
}

void crash_recorder::note_synced(node_id node, sync_kind kind, std::size_t begun) {
  const std::lock_guard lock(mutex_);
  constexpr const char* names[] = {"fdatasync ", "fsync ", "syncfs "};
  add(names[static_cast<std::size_t>(kind)] + name_of(node), {node_synced{kind, node, begun}});
}

void crash_recorder::note_folder_synced(const char* path_in_it, std::size_t begun) {
  const std::lock_guard lock(mutex_);
  note_synced(slot_at(AT_FDCWD, path_in_it).folder, sync_kind::everything, begun);
}

// --- A folder of an image ---

namespace {

class folder_maker {
 public:
  folder_maker(const disk_image& image, std::map<ino_t, node_id>& inodes)
      : image_(image), inodes_(inodes) {}

  void fill(node_id folder, const std::filesystem::path& path) {
    inodes_[inode_at(AT_FDCWD, path.string())] = folder;
    for (const auto& [name, id] : image_.nodes.at(folder).names) make(id, path / name);
    finish(folder, path);
  }

 private:
  void make(node_id id, const std::filesystem::path& path) {
    const image_node& node = image_.nodes.at(id);
    if (node.is_folder) {
      std::filesystem::create_directory(path);
      return fill(id, path);
    }
    if (const auto [made, first] = files_.try_emplace(id, path); !first) {
      return std::filesystem::create_hard_link(made->second, path);
    }
    write(*node.content, path);
    inodes_[inode_at(AT_FDCWD, path.string())] = id;
    finish(id, path);
  }

  // Pages of zeros stay holes.
  static void write(const disk_content& content, const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const auto& bytes = content.bytes;
    constexpr std::size_t page = 4096;
    bool written = fd >= 0 && ::ftruncate(fd, static_cast<off_t>(bytes.size())) == 0;
    for (std::size_t at = 0; at < bytes.size() && written; at += page) {
      const auto count = std::min(page, bytes.size() - at);
      const auto piece = std::span(bytes).subspan(at, count);
      if (std::ranges::all_of(piece, [](std::byte b) { return b == std::byte{}; })) continue;
      written =
          ::pwrite(fd, piece.data(), count, static_cast<off_t>(at)) == static_cast<ssize_t>(count);
    }
    if (fd < 0 || ::close(fd) != 0 || !written) {
      throw std::runtime_error("make " + path.string() + " of an image");
    }
  }

  void finish(node_id id, const std::filesystem::path& path) {
    const auto& attributes = image_.nodes.at(id).attributes;
    const auto mtime = attributes.mtime_ns;
    const struct timespec times[2] = {
        {.tv_sec = 0, .tv_nsec = UTIME_OMIT},
        {.tv_sec = mtime / 1'000'000'000, .tv_nsec = mtime % 1'000'000'000}};
    (void)::chmod(path.c_str(), attributes.mode);
    (void)::utimensat(AT_FDCWD, path.c_str(), times, 0);
  }

  const disk_image& image_;
  std::map<ino_t, node_id>& inodes_;
  std::map<node_id, std::filesystem::path> files_;
};

}  // namespace

std::map<ino_t, node_id> make_folder_of(const disk_image& image,
                                        const std::filesystem::path& folder) {
  std::map<ino_t, node_id> inodes;
  folder_maker(image, inodes).fill(root_node, folder);
  return inodes;
}

}  // namespace sluice::store
