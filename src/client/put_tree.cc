#include "client/put_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "client/failures.h"
#include "client/folder_maker.h"
#include "client/local_tree.h"
#include "client/names.h"
#include "client/put_file.h"
#include "client/remote_listing.h"
#include "client/small_puts.h"
#include "client/task_group.h"
#include "wire/entry.h"

namespace sluice::client {
namespace {

constexpr std::size_t entries_a_step = 256;
// Files over one block: so many at a time, and so many found before the walk waits.
constexpr unsigned large_files_at_a_time = 3;
constexpr std::size_t large_files_waiting = 64;
constexpr unsigned small_streams_max = 4;

struct large_put {
  std::string path;  // below the source
  std::optional<remote_entry> there;
};

struct made_folder {
  std::string path;
  std::int64_t mtime_ns = 0;
};

class tree_putter {
 public:
  tree_putter(session& owner, url server, std::string base, local_tree source,
              const put_options& options, summary& done)
      : session_(owner),
        server_(std::move(server)),
        base_(std::move(base)),
        source_(std::move(source)),
        options_(options),
        done_(done),
        failed_(owner.progress()),
        folders_(owner, server_, failed_),
        small_(owner, server_, base_, source_, options, done, failed_),
        changed_(owner.where()) {}

  awaitable<result<void>> run_all(bool look_there);

 private:
  awaitable<result<void>> walk();
  awaitable<result<void>> take(local_entry here);
  awaitable<result<void>> take_folder(local_entry here, const remote_entry* there);
  awaitable<void> take_file(local_entry here, const remote_entry* there);
  awaitable<result<const remote_entry*>> find_there(const std::string& path);
  awaitable<void> large_files();
  awaitable<void> put_large(large_put file);
  awaitable<result<void>> set_folder_times();
  [[nodiscard]] bool is_broken() const noexcept { return fatal_ || small_.failed(); }
  void fail_with(error why);

  session& session_;
  const url server_;
  const std::string base_;
  local_tree source_;
  const put_options options_;
  summary& done_;
  failures failed_;
  folder_maker folders_;
  small_puts small_;
  net::signal changed_;
  std::unique_ptr<remote_listing> listing_;  // absent where nothing is there
  std::deque<remote_entry> there_;           // taken from it, not yet compared
  std::deque<large_put> large_;
  bool walked_ = false;
  std::vector<made_folder> made_;
  std::optional<error> fatal_;
};

void tree_putter::fail_with(error why) {
  if (!fatal_) fatal_ = why;
  small_.fail_with(std::move(why));
  changed_.notify_all();
}

awaitable<result<void>> tree_putter::run_all(bool look_there) {
  session_.progress().hold(phase::sending);
  if (look_there) listing_ = std::make_unique<remote_listing>(session_, server_, base_, true);
  made_.push_back({.path = {}, .mtime_ns = source_.facts().mtime_ns});
  if (!base_.empty()) {
    auto made = co_await folders_.make(base_, std::nullopt);
    if (made) made = co_await folders_.all_done();
    if (!made) co_return made;
    ++done_.folders;
  }
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
  auto set = co_await set_folder_times();
  if (!set) co_return set;
  co_return failed_.outcome();
}

awaitable<result<void>> tree_putter::walk() {
  for (;;) {
    if (session_.stopping()) co_return fail(errc::cancelled);
    auto step = [this] { return source_.next(entries_a_step); };
    auto found = co_await net::on_pool(session_.disk(), step);
    if (found.empty() || is_broken()) break;
    for (auto& entry : found) {
      auto taken = co_await take(std::move(entry));
      if (!taken) co_return taken;
    }
  }
  co_return result<void>{};
}

awaitable<result<void>> tree_putter::take(local_entry here) {
  using kind = local_entry::kind;
  if (here.what == kind::skipped) {
    session_.progress().notice(fmt::format("skipped {}: {}", here.path, here.problem));
    done_.skipped.push_back(std::move(here.path));
    co_return result<void>{};
  }
  if (here.what == kind::failed) {
    failed_.add("put " + here.path, {.code = errc::invalid_argument, .context = here.problem});
    co_return result<void>{};
  }
  auto there = co_await find_there(here.path);
  if (!there) co_return std::unexpected(std::move(there.error()));
  if (here.what == kind::folder) {
    auto taken = co_await take_folder(std::move(here), *there);
    co_return taken;
  }
  co_await take_file(std::move(here), *there);
  co_return result<void>{};
}

// Both sides come in the same order. Valid until the next call.
awaitable<result<const remote_entry*>> tree_putter::find_there(const std::string& path) {
  while (listing_) {
    while (!there_.empty() && path_less(there_.front().path, path)) there_.pop_front();
    if (!there_.empty()) {
      co_return there_.front().path == path ? &there_.front() : nullptr;
    }
    auto portion = co_await listing_->next();
    if (!portion) co_return std::unexpected(std::move(portion.error()));
    if (portion->empty()) listing_.reset();
    for (auto& entry : *portion) there_.push_back(std::move(entry));
  }
  co_return nullptr;
}

awaitable<result<void>> tree_putter::take_folder(local_entry here, const remote_entry* there) {
  made_.push_back({.path = here.path, .mtime_ns = here.facts.mtime_ns});
  if (there != nullptr && there->folder) co_return result<void>{};
  auto made = co_await folders_.make(join(base_, here.path), std::nullopt);
  if (made) ++done_.folders;
  co_return made;
}

awaitable<void> tree_putter::take_file(local_entry here, const remote_entry* there) {
  session_.progress().expect(here.facts.size_bytes, 1);
  if (there != nullptr && there->folder && !options_.rename) {
    failed_.add("put " + here.path, {.code = errc::not_a_file, .context = "it is a folder there"});
    co_return;
  }
  const bool differs =
      there != nullptr && (there->folder || there->size_bytes != here.facts.size_bytes);
  if (differs && !options_.overwrite && !options_.rename) {
    failed_.add("put " + here.path, {.code = errc::exists, .context = "it is there and differs"});
    co_return;
  }
  if (here.facts.size_bytes <= base::small_file_bytes_max) {
    small_put file{.path = std::move(here.path), .facts = here.facts, .replace = {}};
    file.compare = there != nullptr && !differs;
    if (differs && options_.rename) {
      next_name(file);
    } else if (differs) {
      file.replace.emplace();
      file.replace->set_size_bytes(there->size_bytes);
      file.replace->set_mtime_ns(there->mtime_ns);
    }
    co_await small_.push(std::move(file));
    co_return;
  }
  large_put file{.path = std::move(here.path), .there = {}};
  if (there != nullptr) file.there = *there;
  while (large_.size() >= large_files_waiting && !is_broken()) co_await changed_.wait();
  large_.push_back(std::move(file));
  changed_.notify_all();
}

awaitable<void> tree_putter::large_files() {
  while (!is_broken()) {
    if (large_.empty()) {
      if (walked_) break;
      co_await changed_.wait();
      continue;
    }
    auto file = std::move(large_.front());
    large_.pop_front();
    changed_.notify_all();
    co_await put_large(std::move(file));
  }
}

awaitable<void> tree_putter::put_large(large_put file) {
  auto open = [this, &file] { return source_.open_file(file.path); };
  auto source = co_await net::on_pool(session_.disk(), open);
  if (!source) {
    failed_.add("put " + file.path, source.error());
    co_return;
  }
  const auto path = join(base_, file.path);
  auto outcome =
      co_await put_file(session_, server_, path, *source, std::move(file.there), options_);
  if (!outcome) {
    if (is_of_one_file(outcome.error())) co_return failed_.add(outcome.error());
    co_return fail_with(std::move(outcome.error()));
  }
  note_renamed(session_, path, *outcome, done_);
  ++(outcome->unchanged ? done_.files_unchanged : done_.files);
  done_.bytes += source->facts.size_bytes;
  done_.bytes_moved += outcome->bytes_moved;
  done_.blocks_repeated += outcome->blocks_repeated;
  session_.progress().file_done();
}

// At the end, since everything that goes into a folder changes its time. The deepest first.
awaitable<result<void>> tree_putter::set_folder_times() {
  session_.progress().hold(phase::syncing);
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) {
    const auto path = join(base_, folder->path);
    if (path.empty()) continue;  // the served folder is not ours
    auto set = co_await folders_.make(path, folder->mtime_ns);
    if (!set) co_return set;
  }
  auto all = co_await folders_.all_done();
  co_return all;
}

}  // namespace

awaitable<result<void>> put_tree(session& owner, url server, std::string source, std::string path,
                                 std::optional<remote_entry> there, put_options options,
                                 summary& done) {
  if (there && !there->folder) {
    co_return fail(errc::not_a_file, fmt::format("put {}: {} is a file there", source, path));
  }
  auto open = [&source, &options] { return local_tree::open(source, options.follow_symlinks); };
  auto tree = co_await net::on_pool(owner.disk(), open);
  if (!tree) co_return std::unexpected(about(tree.error(), "put"));
  tree_putter all(owner, std::move(server), std::move(path), std::move(*tree), options, done);
  auto put = co_await all.run_all(there.has_value());
  co_return put;
}

}  // namespace sluice::client
