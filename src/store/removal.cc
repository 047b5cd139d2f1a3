#include "store/removal.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/folder_reader.h"

namespace sluice::store {

namespace {

// What another process adds while a folder is emptied is removed too, but not forever.
constexpr int passes_max = 8;

struct level {
  level(file_layer& files, open_file opened, std::string its_name)
      : folder(std::move(opened)), name(std::move(its_name)), reader(files, folder.fd()) {}

  open_file folder;
  std::string name;
  folder_reader reader;
  int passes = 1;
};

class tree_removal {
 public:
  tree_removal(volume& home, int folder_fd, const std::string& what)
      : home_(home), outer_fd_(folder_fd), what_(what) {}

  result<void> run(const std::string& name) {
    if (auto entered = enter(outer_fd_, name); !entered) return entered;
    if (levels_.empty()) return fail(errc::not_found, what_);
    while (!levels_.empty()) {
      auto item = levels_.back()->reader.next(what_);
      if (!item) return std::unexpected(item.error());
      auto stepped = *item ? take(**item) : leave();
      if (!stepped) return stepped;
    }
    return {};
  }

 private:
  // Opens the folder for emptying. What is no folder any more is left to the next pass.
  result<void> enter(int folder_fd, const std::string& name) {
    if (levels_.size() >= base::path_parts_max) {
      return fail(errc::invalid_argument, what_ + ": more than 64 folders deep");
    }
    auto opened = home_.open_in(folder_fd, name, O_RDONLY | O_DIRECTORY, 0, what_);
    if (opened) {
      levels_.push_back(std::make_unique<level>(home_.files, std::move(*opened), name));
      return {};
    }
    const errc code = opened.error().code;
    if (code == errc::not_found || code == errc::not_a_file) return {};
    return std::unexpected(opened.error());
  }

  result<void> take(const folder_reader::item& item) {
    const int fd = levels_.back()->folder.fd();
    if (item.type == DT_DIR) return enter(fd, item.name);
    const int answer = uninterrupted([&] { return home_.files.unlinkat(fd, item.name, 0); });
    if (answer == 0 || answer == -ENOENT) return {};
    if (answer == -EISDIR) return enter(fd, item.name);
    return fail_errno(-answer, what_);
  }

  result<void> leave() {
    level& emptied = *levels_.back();
    const int above = levels_.size() > 1 ? levels_[levels_.size() - 2]->folder.fd() : outer_fd_;
    const int answer = uninterrupted(
        [&] { return home_.files.unlinkat(above, emptied.name.c_str(), AT_REMOVEDIR); });
    if (answer == -ENOTEMPTY && emptied.passes < passes_max) return read_again(emptied);
    // ENOTDIR: the name holds something else by now, which the pass of the folder above removes.
    const bool gone = answer == 0 || answer == -ENOENT;
    if (!gone && (answer != -ENOTDIR || levels_.size() == 1)) return fail_errno(-answer, what_);
    levels_.pop_back();
    return {};
  }

  result<void> read_again(level& emptied) {
    auto again = home_.open_in(emptied.folder.fd(), ".", O_RDONLY | O_DIRECTORY, 0, what_);
    if (!again) return std::unexpected(again.error());
    auto next = std::make_unique<level>(home_.files, std::move(*again), emptied.name);
    next->passes = emptied.passes + 1;
    levels_.back() = std::move(next);
    return {};
  }

  volume& home_;
  const int outer_fd_;
  const std::string& what_;
  std::vector<std::unique_ptr<level>> levels_;
};

}  // namespace

result<void> remove_one(volume& home, int folder_fd, const std::string& name, entry_kind kind,
                        const std::string& what) {
  const int flags = kind == entry_kind::folder ? AT_REMOVEDIR : 0;
  const int answer =
      uninterrupted([&] { return home.files.unlinkat(folder_fd, name.c_str(), flags); });
  if (answer < 0) return fail_errno(-answer, what);
  return {};
}

result<void> remove_tree(volume& home, int folder_fd, const std::string& name,
                         const std::string& what) {
  return tree_removal(home, folder_fd, what).run(name);
}

}  // namespace sluice::store
