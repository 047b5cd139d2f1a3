#include "client/local_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/beneath.h"
#include "client/names.h"
#include "client/session.h"

namespace sluice::client {
namespace {

using kind = local_entry::kind;

// The names of one folder, sorted, in one piece of memory: a million of them are common enough.
class sorted_names {
 public:
  void add(std::string_view name) {
    places_.push_back(
        {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size())});
    text_ += name;
  }
  void sort() {
    std::ranges::sort(places_, {}, [this](const place& at) { return name(at); });
  }
  [[nodiscard]] bool empty() const noexcept { return next_ == places_.size(); }
  [[nodiscard]] std::string take() { return std::string(name(places_[next_++])); }

 private:
  struct place {
    std::uint32_t offset;
    std::uint32_t size;
  };
  [[nodiscard]] std::string_view name(const place& at) const {
    return std::string_view(text_).substr(at.offset, at.size);
  }
  std::string text_;
  std::vector<place> places_;
  std::size_t next_ = 0;
};

struct level {
  base::unique_fd fd;
  std::string path;
  sorted_names names;
  dev_t device = 0;
  ino_t inode = 0;
};

// Takes the descriptor over for reading.
result<sorted_names> read_names(int fd, std::string_view path) {
  // fdopendir keeps its descriptor: one of its own.
  const int own = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* folder = own < 0 ? nullptr : ::fdopendir(own);
  if (folder == nullptr) {
    const int why = errno;
    if (own >= 0) ::close(own);
    return fail_errno(why, fmt::format("read the folder {}", path));
  }
  sorted_names names;
  errno = 0;
  while (const auto* each = ::readdir(folder)) {
    const std::string_view name(each->d_name);
    if (name != "." && name != "..") names.add(name);
    errno = 0;
  }
  const int why = errno;
  ::closedir(folder);
  if (why != 0) return fail_errno(why, fmt::format("read the folder {}", path));
  names.sort();
  return names;
}

}  // namespace

struct local_tree::walk {
  base::unique_fd root;
  file_facts facts;
  bool follow = false;
  std::vector<level> levels;

  result<void> enter(base::unique_fd fd, std::string path);
  void add(std::vector<local_entry>& found, std::string path, const std::string& name);
  void add_link(std::vector<local_entry>& found, std::string path);
  void add_found(std::vector<local_entry>& found, std::string path, const struct ::stat& told,
                 base::unique_fd opened);
  void add_folder(std::vector<local_entry>& found, std::string path, const struct ::stat& told,
                  base::unique_fd opened);
};

result<void> local_tree::walk::enter(base::unique_fd fd, std::string path) {
  struct ::stat told{};
  if (::fstat(fd.get(), &told) != 0) return fail_errno(errno, fmt::format("look at {}", path));
  for (const auto& above : levels) {
    if (above.device == told.st_dev && above.inode == told.st_ino) {
      return fail(errc::not_allowed, "a symbolic link that leads back to a folder above it");
    }
  }
  auto names = read_names(fd.get(), path);
  if (!names) return std::unexpected(std::move(names.error()));
  levels.push_back({std::move(fd), std::move(path), std::move(*names), told.st_dev, told.st_ino});
  return {};
}

void local_tree::walk::add(std::vector<local_entry>& found, std::string path,
                           const std::string& name) {
  const auto entry = [&](kind what, std::string problem) {
    found.push_back({.path = path, .what = what, .facts = {}, .problem = std::move(problem)});
  };
  if (name.starts_with('.')) return entry(kind::skipped, "a name that begins with a dot");
  if (const auto fault = fault_of_name(name); !fault.empty()) {
    return entry(kind::failed, std::string(fault));
  }
  struct ::stat told{};
  if (::fstatat(levels.back().fd.get(), name.c_str(), &told, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;  // gone since the folder was read
    return entry(kind::failed, std::strerror(errno));
  }
  if (S_ISLNK(told.st_mode)) return add_link(found, std::move(path));
  add_found(found, std::move(path), told, {});
}

void local_tree::walk::add_link(std::vector<local_entry>& found, std::string path) {
  const auto skip = [&](std::string why) {
    found.push_back({.path = path, .what = kind::skipped, .facts = {}, .problem = std::move(why)});
  };
  if (!follow) return skip("a symbolic link");
  auto opened = open_beneath(root.get(), path, O_RDONLY | O_NONBLOCK, 0, links::inside);
  if (!opened) return skip("a symbolic link that leads out of the tree, or to nothing");
  struct ::stat told{};
  if (::fstat(opened->get(), &told) != 0) return skip("a symbolic link");
  add_found(found, std::move(path), told, std::move(*opened));
}

void local_tree::walk::add_found(std::vector<local_entry>& found, std::string path,
                                 const struct ::stat& told, base::unique_fd opened) {
  if (S_ISDIR(told.st_mode)) return add_folder(found, std::move(path), told, std::move(opened));
  const bool regular = S_ISREG(told.st_mode);
  found.push_back({.path = std::move(path),
                   .what = regular ? kind::file : kind::skipped,
                   .facts = facts_of(told),
                   .problem = regular ? "" : "a special file"});
}

void local_tree::walk::add_folder(std::vector<local_entry>& found, std::string path,
                                  const struct ::stat& told, base::unique_fd opened) {
  result<void> entered;
  if (levels.size() >= base::path_parts_max) {
    entered = fail(errc::invalid_argument, "too deep");
  } else if (!opened) {
    auto fd = open_beneath(levels.back().fd.get(), std::string(name_of(path)),
                           O_RDONLY | O_DIRECTORY, 0, links::refused);
    if (!fd) entered = std::unexpected(std::move(fd.error()));
    if (fd) opened = std::move(*fd);
  }
  if (entered) entered = enter(std::move(opened), path);
  if (entered) {
    found.push_back(
        {.path = std::move(path), .what = kind::folder, .facts = facts_of(told), .problem = {}});
    return;
  }
  const bool loop = entered.error().code == errc::not_allowed && follow;
  found.push_back({.path = std::move(path),
                   .what = loop ? kind::skipped : kind::failed,
                   .facts = {},
                   .problem = entered.error().message()});
}

void note_skipped(session& owner, local_entry entry, std::vector<std::string>& skipped) {
  owner.progress().notice(fmt::format("skipped {}: {}", entry.path, entry.problem));
  skipped.push_back(std::move(entry.path));
}

local_tree::local_tree(std::unique_ptr<walk> state) : walk_(std::move(state)) {}
local_tree::~local_tree() = default;
local_tree::local_tree(local_tree&&) noexcept = default;
local_tree& local_tree::operator=(local_tree&&) noexcept = default;

result<local_tree> local_tree::open(const std::string& root, bool follow) {
  auto state = std::make_unique<walk>();
  auto fd = open_folder(root);
  if (!fd) return std::unexpected(std::move(fd.error()));
  auto facts = facts_of(fd->get(), root);
  if (!facts) return std::unexpected(std::move(facts.error()));
  auto again = open_folder(root);
  if (!again) return std::unexpected(std::move(again.error()));
  state->root = std::move(*fd);
  state->facts = *facts;
  state->follow = follow;
  if (auto entered = state->enter(std::move(*again), ""); !entered) {
    return std::unexpected(std::move(entered.error()));
  }
  return local_tree(std::move(state));
}

std::vector<local_entry> local_tree::next(std::size_t count) {
  std::vector<local_entry> found;
  auto& levels = walk_->levels;
  while (found.size() < count && !levels.empty()) {
    if (levels.back().names.empty()) {
      levels.pop_back();
      continue;
    }
    const auto name = levels.back().names.take();
    walk_->add(found, join(levels.back().path, name), name);
  }
  return found;
}

result<source_file> local_tree::open_file(const std::string& path) const {
  auto fd = open_beneath(walk_->root.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
                         walk_->follow ? links::inside : links::refused);
  if (!fd) return std::unexpected(std::move(fd.error()));
  struct ::stat told{};
  if (::fstat(fd->get(), &told) != 0) return fail_errno(errno, fmt::format("look at {}", path));
  if (!S_ISREG(told.st_mode)) return fail(errc::changed, fmt::format("{} is no file now", path));
  return source_file{.fd = std::move(*fd), .facts = facts_of(told)};
}

int local_tree::root_fd() const noexcept { return walk_->root.get(); }

bool local_tree::follows() const noexcept { return walk_->follow; }

const file_facts& local_tree::facts() const noexcept { return walk_->facts; }

}  // namespace sluice::client
