#include "client/get_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <utility>

#include "client/beneath.h"
#include "client/failures.h"
#include "client/get_file.h"
#include "client/local_file.h"
#include "client/names.h"
#include "client/partial_file.h"
#include "client/remote_listing.h"
#include "client/small_gets.h"
#include "client/task_group.h"
#include "net/buffers.h"

namespace sluice::client {
namespace {

constexpr std::size_t entries_a_step = 256;
constexpr unsigned large_files_at_a_time = 3;
constexpr std::size_t large_files_waiting = 64;
constexpr unsigned small_streams_max = 4;

// What is here in the place of an entry of the server.
struct local_place {
  occupant what = occupant::nothing;
  std::uint64_t size_bytes = 0;
  std::optional<base::digest128> digest;  // of a small file of the right size
  std::optional<error> problem;
};

struct made_folder {
  std::string path;
  std::int64_t mtime_ns = 0;
};

// On a thread for the disk: makes folders, looks at what is there.
class placer {
 public:
  placer(int root_fd, std::span<std::byte> buffer)
      : folders_(root_fd, links::refused), buffer_(buffer) {}

  local_place place(const remote_entry& entry) {
    local_place found;
    const auto folder = folders_.at(folder_of(entry.path));
    if (!folder) {
      found.problem = folder.error();
      return found;
    }
    const std::string name(name_of(entry.path));
    if (entry.folder && ::mkdirat(*folder, name.c_str(), 0777) == 0) return found;
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
};

class tree_getter {
 public:
  tree_getter(session& owner, url server, std::string base, base::unique_fd root,
              const get_options& options, summary& done)
      : session_(owner),
        server_(std::move(server)),
        base_(std::move(base)),
        root_(std::move(root)),
        options_(options),
        done_(done),
        failed_(owner.progress()),
        small_(owner, server_, base_, root_.get(), options.overwrite, done, failed_),
        changed_(owner.where()) {}

  awaitable<result<void>> run_all(std::int64_t root_mtime_ns);

 private:
  awaitable<result<void>> walk();
  awaitable<result<void>> take_step(std::vector<remote_entry> entries);
  awaitable<void> take(remote_entry entry, local_place here);
  void take_folder(const remote_entry& entry, const local_place& here);
  awaitable<void> take_small(remote_entry entry, local_place here);
  awaitable<void> large_files();
  awaitable<void> get_large(remote_entry file);
  awaitable<result<void>> finish();
  [[nodiscard]] bool is_broken() const noexcept { return fatal_ || small_.failed(); }
  void fail_with(error why);

  session& session_;
  const url server_;
  const std::string base_;
  const base::unique_fd root_;
  const get_options options_;
  summary& done_;
  failures failed_;
  small_gets small_;
  net::signal changed_;
  std::deque<remote_entry> large_;
  bool walked_ = false;
  std::vector<made_folder> made_;
  std::optional<error> fatal_;
};

void tree_getter::fail_with(error why) {
  if (!fatal_) fatal_ = why;
  small_.fail_with(std::move(why));
  changed_.notify_all();
}

awaitable<result<void>> tree_getter::run_all(std::int64_t root_mtime_ns) {
  session_.progress().hold(phase::receiving);
  // Of the served folder itself nothing is taken over: its content goes into a folder of the
  // user's.
  if (!base_.empty()) made_.push_back({.path = {}, .mtime_ns = root_mtime_ns});
  ++done_.folders;
  task_group all(session_.where());
  const unsigned wanted = options_.streams > 0 ? options_.streams : 2;
  small_.start(all, std::clamp(wanted, 1U, small_streams_max));
  for (unsigned i = 0; i < large_files_at_a_time; ++i) all.spawn(large_files());
  auto walked = co_await walk();
  walked_ = true;
  if (!walked) fail_with(std::move(walked.error()));
  session_.progress().totals_known();
  small_.close();
  changed_.notify_all();
  co_await all.join();
  if (!fatal_ && small_.failed()) fatal_ = small_.failed();
  if (fatal_) co_return std::unexpected(*fatal_);
  auto finished = co_await finish();
  if (!finished) co_return finished;
  co_return failed_.outcome();
}

awaitable<result<void>> tree_getter::walk() {
  remote_listing listing(session_, server_, base_, true);
  while (!is_broken()) {
    auto portion = co_await listing.next();
    if (!portion) co_return std::unexpected(about(portion.error(), "list " + server_.text()));
    if (portion->empty()) break;
    for (std::size_t at = 0; at < portion->size() && !is_broken(); at += entries_a_step) {
      const auto end = std::min(at + entries_a_step, portion->size());
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
    placer here(root_.get(), bytes);
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
  if (entry.size_bytes <= base::small_file_bytes_max) {
    co_await take_small(std::move(entry), std::move(here));
    co_return;
  }
  while (large_.size() >= large_files_waiting && !is_broken()) co_await changed_.wait();
  large_.push_back(std::move(entry));
  changed_.notify_all();
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

awaitable<void> tree_getter::large_files() {
  while (!is_broken()) {
    if (large_.empty()) {
      if (walked_) break;
      co_await changed_.wait();
      continue;
    }
    auto file = std::move(large_.front());
    large_.pop_front();
    changed_.notify_all();
    co_await get_large(std::move(file));
  }
}

awaitable<void> tree_getter::get_large(remote_entry file) {
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
  if (!outcome) {
    if (is_of_one_file(outcome.error())) co_return failed_.add(outcome.error());
    co_return fail_with(std::move(outcome.error()));
  }
  ++(outcome->unchanged ? done_.files_unchanged : done_.files);
  done_.bytes += size_bytes;
  done_.bytes_moved += outcome->bytes_moved;
  done_.blocks_repeated += outcome->blocks_repeated;
  session_.progress().file_done();
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
  auto by = co_await owner.open(server);
  if (!by) co_return std::unexpected(about(by.error(), "connect"));
  auto folder = co_await stat(*by, path);
  owner.give_back(std::move(*by));
  if (!folder) co_return std::unexpected(about(folder.error(), "look at " + server.text()));
  const auto mtime_ns = *folder ? (*folder)->mtime_ns : 0;
  tree_getter all(owner, std::move(server), std::move(path), std::move(*root), options, done);
  auto got = co_await all.run_all(mtime_ns);
  co_return got;
}

}  // namespace sluice::client
