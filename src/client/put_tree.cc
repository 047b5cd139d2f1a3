#include "client/put_tree.h"

#include <fmt/format.h>

#include <deque>
#include <utility>

#include "client/folder_maker.h"
#include "client/local_tree.h"
#include "client/names.h"
#include "client/put_file.h"
#include "client/remote_listing.h"
#include "client/small_puts.h"
#include "client/tree_work.h"
#include "wire/entry.h"

namespace sluice::client {
namespace {

struct large_put {
  std::string path;  // below the source
  std::optional<remote_entry> there;
};

class tree_putter final : tree_work<large_put, small_puts> {
 public:
  tree_putter(session& owner, url server, std::string base, local_tree source,
              const put_options& options, summary& done)
      : tree_work(owner, done),
        server_(std::move(server)),
        base_(std::move(base)),
        source_(std::move(source)),
        options_(options),
        folders_(owner, server_, failed_),
        small_(owner, server_, base_, source_, options, done, failed_) {}

  awaitable<result<void>> run_all(bool look_there);

 private:
  awaitable<result<void>> walk() override;
  awaitable<result<void>> take(local_entry here);
  awaitable<result<void>> take_folder(local_entry here, const remote_entry* there);
  awaitable<void> take_file(local_entry here, const remote_entry* there);
  awaitable<result<const remote_entry*>> find_there(const std::string& path);
  awaitable<void> move_large(large_put file) override;
  awaitable<result<void>> set_folder_times();

  const url server_;
  const std::string base_;
  local_tree source_;
  const put_options options_;
  folder_maker folders_;
  small_puts small_;
  std::unique_ptr<remote_listing> listing_;  // absent where nothing is there
  std::deque<remote_entry> there_;           // taken from it, not yet compared
};

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
  auto moved = co_await move_all(small_, options_.streams);
  if (!moved) co_return moved;
  auto set = co_await set_folder_times();
  if (!set) co_return set;
  co_return failed_.outcome();
}

awaitable<result<void>> tree_putter::walk() {
  for (;;) {
    if (session_.stopping()) co_return fail(errc::cancelled);
    auto step = [this] { return source_.next(tree_step_entries); };
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
    note_skipped(session_, std::move(here), done_.skipped);
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
  co_await push_large(std::move(file));
}

awaitable<void> tree_putter::move_large(large_put file) {
  auto open = [this, &file] { return source_.open_file(file.path); };
  auto source = co_await net::on_pool(session_.disk(), open);
  if (!source) {
    failed_.add("put " + file.path, source.error());
    co_return;
  }
  const auto path = join(base_, file.path);
  auto outcome =
      co_await put_file(session_, server_, path, *source, std::move(file.there), options_);
  if (outcome) note_renamed(session_, path, *outcome, done_);
  moved_large(outcome, source->facts.size_bytes);
}

// The deepest first.
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
