#include "client/get_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <unordered_set>
#include <utility>

#include "client/beneath.h"
#include "client/get_file.h"
#include "client/local_file.h"
#include "client/look_at.h"
#include "client/names.h"
#include "client/partial_file.h"
#include "client/remote_listing.h"
#include "client/small_gets.h"
#include "client/tree_work.h"
#include "net/buffers.h"

namespace sluice::client {
namespace {

// What is here in the place of an entry of the server.
struct local_place {
  occupant what = occupant::nothing;
  std::uint64_t size_bytes = 0;
  std::optional<base::digest128> digest;  // of a small file of the right size
  std::optional<error> problem;
};

// On a thread for the disk: makes folders, looks at what is there. In the folders that it made,
// which it gathers in `made`, there is nothing: who puts a name there meanwhile is found when the
// file is to get it.
class placer {
 public:
  placer(int root_fd, std::span<std::byte> buffer, std::unordered_set<std::string>& made)
      : folders_(root_fd, links::refused), buffer_(buffer), made_(made) {}

  local_place place(const remote_entry& entry) {
    local_place found;
    const std::string in(folder_of(entry.path));
    if (!entry.folder && made_.contains(in)) return found;
    const auto folder = folders_.at(in);
    if (!folder) {
      found.problem = folder.error();
      return found;
    }
    const std::string name(name_of(entry.path));
    if (entry.folder && ::mkdirat(*folder, name.c_str(), 0777) == 0) {
      made_.insert(entry.path);
      return found;
    }
    struct ::stat told{};
    if (::fstatat(*folder, name.c_str(), &told, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT || entry.folder) found.problem = fail_errno(errno, "look").error();
      return found;
    }
    found.what = S_ISREG(told.st_mode)   ? occupant::file
                 : S_ISDIR(told.st_mode) ? occupant::folder
                 : S_ISLNK(told.st_mode) ? occupant::link
                                         : occupant::other;
    found.size_bytes = static_cast<std::uint64_t>(told.st_size);
    if (!entry.folder && found.what == occupant::file) digest(found, *folder, name, entry);
    return found;
  }

 private:
  void digest(local_place& found, int folder_fd, const std::string& name,
              const remote_entry& entry) {
    const auto size = entry.size_bytes;
    if (size > base::small_file_bytes_max || found.size_bytes != size) return;
    const auto file = open_source(folder_fd, name, false);
    if (!file) {
      found.problem = file.error();
      return;
    }
    const auto got = read_at(file->fd.get(), buffer_.first(static_cast<std::size_t>(size)), 0);
    if (got && *got == size) found.digest = base::digest_of(buffer_.first(*got));
  }

  folder_cache folders_;
  std::span<std::byte> buffer_;
  std::unordered_set<std::string>& made_;
};

class tree_getter final : tree_work<remote_entry, small_gets> {
 public:
  tree_getter(session& owner, url server, std::string base, base::unique_fd root,
              const get_options& options, summary& done)
      : tree_work(owner, done),
        server_(std::move(server)),
        base_(std::move(base)),
        root_(std::move(root)),
        options_(options),
        small_(owner, server_, base_, root_.get(), options.overwrite, done, failed_) {}

  awaitable<result<void>> run_all(std::int64_t root_mtime_ns);

 private:
  awaitable<result<void>> walk() override;
  awaitable<result<void>> take_step(std::vector<remote_entry> entries);
  awaitable<void> take(remote_entry entry, local_place here);
  void take_folder(const remote_entry& entry, const local_place& here);
  awaitable<void> take_small(remote_entry entry, local_place here);
  awaitable<void> move_large(remote_entry file) override;
  awaitable<result<void>> finish();

  const url server_;
  const std::string base_;
  const base::unique_fd root_;
  const get_options options_;
  std::unordered_set<std::string> fresh_;  // folders that were not there before
  small_gets small_;
};

awaitable<result<void>> tree_getter::run_all(std::int64_t root_mtime_ns) {
  session_.progress().hold(phase::receiving);
  // Of the served folder itself nothing is taken over: its content goes into a folder of the
  // user's.
  if (!base_.empty()) made_.push_back({.path = {}, .mtime_ns = root_mtime_ns});
  ++done_.folders;
  auto moved = co_await move_all(small_, options_.streams);
  if (!moved) co_return moved;
  auto finished = co_await finish();
  if (!finished) co_return finished;
  co_return failed_.outcome();
}

awaitable<result<void>> tree_getter::walk() {
  const auto all = open_listing(session_, server_, base_, true);
  while (!is_broken()) {
    auto portion = co_await all->next();
    if (!portion) co_return std::unexpected(about(portion.error(), "list " + server_.text()));
    if (portion->empty()) break;
    for (std::size_t at = 0; at < portion->size() && !is_broken(); at += tree_step_entries) {
      const auto end = std::min(at + tree_step_entries, portion->size());
      std::vector<remote_entry> step;
      for (auto i = at; i < end; ++i) step.push_back(std::move((*portion)[i]));
      auto taken = co_await take_step(std::move(step));
      if (!taken) co_return taken;
    }
  }
  co_return result<void>{};
}

awaitable<result<void>> tree_getter::take_step(std::vector<remote_entry> entries) {
  if (session_.stopping()) co_return fail(errc::cancelled);
  auto buffer = co_await net::acquire(session_.buffers());
  if (!buffer) co_return std::unexpected(std::move(buffer.error()));
  auto work = [this, &entries, bytes = buffer->bytes()] {
    placer here(root_.get(), bytes, fresh_);
    std::vector<local_place> found;
    found.reserve(entries.size());
    for (const auto& entry : entries) found.push_back(here.place(entry));
    return found;
  };
  auto found = co_await net::on_pool(session_.disk(), work);
  buffer->give_back();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    co_await take(std::move(entries[i]), std::move(found[i]));
  }
  co_return result<void>{};
}

awaitable<void> tree_getter::take(remote_entry entry, local_place here) {
  if (!entry.folder) session_.progress().expect(entry.size_bytes, 1);
  if (here.problem) co_return failed_.add("get " + entry.path, *here.problem);
  if (entry.folder) co_return take_folder(entry, here);
  if (here.what == occupant::folder || here.what == occupant::other) {
    co_return failed_.add("get " + entry.path,
                          {.code = errc::not_a_file, .context = "it is here and is no file"});
  }
  if (entry.size_bytes <= base::small_file_bytes_max && !server_.over_http) {
    co_await take_small(std::move(entry), std::move(here));
    co_return;
  }
  co_await push_large(std::move(entry));
}

void tree_getter::take_folder(const remote_entry& entry, const local_place& here) {
  if (here.what != occupant::nothing && here.what != occupant::folder) {
    return failed_.add("get " + entry.path,
                       {.code = errc::not_a_file, .context = "it is here and is no folder"});
  }
  if (here.what == occupant::nothing) ++done_.folders;
  made_.push_back({.path = entry.path, .mtime_ns = entry.mtime_ns});
}

awaitable<void> tree_getter::take_small(remote_entry entry, local_place here) {
  small_get file{.path = std::move(entry.path), .size_bytes = entry.size_bytes, .here = {}};
  file.here = here.digest;
  if (here.what != occupant::nothing && !here.digest) {
    if (!options_.overwrite) {
      co_return failed_.add(
          "get " + file.path,
          {.code = errc::exists, .context = "it is there and differs; --overwrite replaces it"});
    }
    file.replace = true;
  }
  co_await small_.push(std::move(file));
}

awaitable<void> tree_getter::move_large(remote_entry file) {
  auto open = [this, path = std::string(folder_of(file.path))] {
    return open_beneath(root_.get(), path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, 0,
                        links::refused);
  };
  auto folder = co_await net::on_pool(session_.disk(), open);
  if (!folder) co_return failed_.add("get " + file.path, folder.error());
  const auto size_bytes = file.size_bytes;
  std::string name(name_of(file.path));
  file.path = join(base_, file.path);
  auto outcome = co_await get_file(session_, server_, std::move(file), folder->get(),
                                   std::move(name), options_);
  moved_large(outcome, size_bytes);
}

// The times of the folders, the deepest first, since everything that went into them changed them.
// Then one sync of the volume: for thousands of small files it costs what that of a few of them
// would.
awaitable<result<void>> tree_getter::finish() {
  session_.progress().hold(phase::syncing);
  auto work = [this]() -> result<void> {
    folder_cache folders(root_.get(), links::refused);
    for (auto each = made_.rbegin(); each != made_.rend(); ++each) {
      const auto folder = folders.at(folder_of(each->path));
      if (!folder) continue;  // told already, or taken away by somebody
      const std::int64_t second = 1'000'000'000;
      const auto rest = (each->mtime_ns % second + second) % second;
      const struct ::timespec time{.tv_sec = (each->mtime_ns - rest) / second, .tv_nsec = rest};
      const std::array<struct ::timespec, 2> times{time, time};
      const std::string name(each->path.empty() ? "." : name_of(each->path));
      ::utimensat(*folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
    }
    if (::syncfs(root_.get()) != 0) return fail_errno(errno, "sync the volume");
    return {};
  };
  auto finished = co_await net::on_pool(session_.disk(), work);
  co_return finished;
}

// Makes the target and the folders on the way to it.
result<base::unique_fd> make_target(const std::string& target) {
  std::error_code failed;
  std::filesystem::create_directories(target, failed);
  if (failed) return fail_errno(failed.value(), fmt::format("make the folder {}", target));
  return open_folder(target);
}

}  // namespace

awaitable<result<void>> get_tree(session& owner, url server, std::string path, std::string target,
                                 get_options options, summary& done) {
  auto open = [&target] { return make_target(target); };
  auto root = co_await net::on_pool(owner.disk(), open);
  if (!root) co_return std::unexpected(about(root.error(), "get"));
  auto folder = co_await look_at(owner, server, path);
  if (!folder) co_return std::unexpected(about(folder.error(), "look at " + server.text()));
  const auto mtime_ns = *folder ? (*folder)->mtime_ns : 0;
  tree_getter all(owner, std::move(server), std::move(path), std::move(*root), options, done);
  auto got = co_await all.run_all(mtime_ns);
  co_return got;
}

}  // namespace sluice::client
