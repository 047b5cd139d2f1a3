// verify: the server's stored bytes against the local ones, or against what it recorded.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <deque>
#include <utility>

#include "client/client.h"
#include "client/digests.h"
#include "client/local_tree.h"
#include "client/names.h"
#include "client/remote_listing.h"
#include "client/task_group.h"

namespace sluice::client {
namespace {

constexpr std::size_t differences_max = 1'000;
// Files that are compared at the same time: so that small ones do not wait for each other's
// answers.
constexpr unsigned workers = 8;
constexpr std::size_t jobs_max = 256;
constexpr std::size_t entries_a_step = 256;

// A file that is on both sides, or with no local side on the server.
struct verify_job {
  std::string remote_path;  // whole
  std::string shown;        // in the report
  std::string local_path;   // below the local root
  std::uint64_t size_bytes = 0;
};

class verifier {
 public:
  verifier(session& owner, url target, std::optional<std::string> local, bool follow)
      : session_(owner), target_(std::move(target)), local_(std::move(local)), follow_(follow) {}

  awaitable<result<verify_report>> run_all();

 private:
  awaitable<result<remote_entry>> look();
  awaitable<result<void>> open_local(bool folder);
  awaitable<void> plan(remote_entry root);
  awaitable<result<void>> plan_tree();
  awaitable<result<void>> plan_with_local();
  awaitable<void> push(verify_job job);
  awaitable<void> work();
  awaitable<result<void>> check(const verify_job& job);
  awaitable<result<void>> check_local(const verify_job& job);
  awaitable<result<void>> check_recorded(const verify_job& job);
  awaitable<result<std::optional<remote_entry>>> next_remote();
  awaitable<result<std::optional<local_entry>>> next_local();
  awaitable<void> take_pair(const remote_entry& there, const local_entry& here);
  void take_only_here(local_entry here);
  void take_only_there(const remote_entry& there);
  void differs(std::string path, std::optional<std::uint64_t> block, std::string what);
  void fail_with(error why);

  session& session_;
  const url target_;
  const std::optional<std::string> local_;
  const bool follow_;
  std::string base_;  // the target's path without a slash
  std::optional<local_tree> tree_;
  source_file file_;  // where the target is one file
  std::unique_ptr<remote_listing> listing_;
  std::deque<remote_entry> remote_;
  std::deque<local_entry> here_;
  std::deque<verify_job> jobs_;
  bool planned_ = false;
  net::signal changed_{session_.where()};
  std::optional<error> failed_;
  verify_report report_;
};

void verifier::differs(std::string path, std::optional<std::uint64_t> block, std::string what) {
  ++report_.difference_count;
  if (report_.differences.size() >= differences_max) return;
  report_.differences.push_back({.path = std::move(path), .block = block, .what = std::move(what)});
}

void verifier::fail_with(error why) {
  if (!failed_) failed_ = std::move(why);
  changed_.notify_all();
}

awaitable<result<remote_entry>> verifier::look() {
  session_.progress().enter(phase::connecting, target_.text());
  base_ = without_slash(target_.path);
  auto by = co_await session_.open(target_);
  if (!by) co_return std::unexpected(about(by.error(), "connect"));
  auto found = co_await stat(*by, base_);
  session_.give_back(std::move(*by));
  if (!found) co_return std::unexpected(about(found.error(), "look at " + target_.text()));
  if (!*found) co_return fail(errc::not_found, "verify " + target_.text());
  co_return std::move(**found);
}

// A local folder stands for its namesake inside of it where the target is a file.
awaitable<result<void>> verifier::open_local(bool folder) {
  if (!local_) co_return result<void>{};
  auto open = [this, folder]() -> result<void> {
    if (folder) {
      auto tree = local_tree::open(*local_, follow_);
      if (!tree) return std::unexpected(std::move(tree.error()));
      tree_.emplace(std::move(*tree));
      return {};
    }
    struct ::stat told{};
    const bool inside = ::stat(local_->c_str(), &told) == 0 && S_ISDIR(told.st_mode);
    auto file = open_source(AT_FDCWD, inside ? join(*local_, name_of(base_)) : *local_, true);
    if (!file) return std::unexpected(std::move(file.error()));
    file_ = std::move(*file);
    return {};
  };
  auto opened = co_await net::on_pool(session_.disk(), open);
  co_return opened;
}

awaitable<result<verify_report>> verifier::run_all() {
  auto root = co_await look();
  if (!root) co_return std::unexpected(std::move(root.error()));
  auto opened = co_await open_local(root->folder);
  if (!opened) co_return std::unexpected(about(opened.error(), "verify"));
  session_.progress().enter(phase::verifying, base_);
  task_group all(session_.where());
  for (unsigned i = 0; i < workers; ++i) all.spawn(work());
  co_await plan(std::move(*root));
  co_await all.join();
  if (failed_) co_return std::unexpected(about(*failed_, "verify " + target_.text()));
  co_return std::move(report_);
}

awaitable<void> verifier::plan(remote_entry root) {
  if (!root.folder) {
    session_.progress().expect(root.size_bytes, 1);
    session_.progress().totals_known();
    verify_job job{.remote_path = base_,
                   .shown = std::string(name_of(base_)),
                   .local_path = {},
                   .size_bytes = root.size_bytes};
    if (local_ && file_.facts.size_bytes != root.size_bytes) {
      differs(
          job.shown, std::nullopt,
          fmt::format("{} bytes on the server, {} here", root.size_bytes, file_.facts.size_bytes));
      ++report_.files;
    } else {
      co_await push(std::move(job));
    }
  } else {
    auto planned = co_await plan_tree();
    if (!planned) fail_with(std::move(planned.error()));
  }
  planned_ = true;
  changed_.notify_all();
}

awaitable<void> verifier::push(verify_job job) {
  while (jobs_.size() >= jobs_max && !failed_) co_await changed_.wait();
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

awaitable<result<std::optional<remote_entry>>> verifier::next_remote() {
  if (remote_.empty()) {
    auto portion = co_await listing_->next();
    if (!portion) co_return std::unexpected(std::move(portion.error()));
    for (auto& entry : *portion) remote_.push_back(std::move(entry));
  }
  if (remote_.empty()) co_return std::nullopt;
  auto first = std::move(remote_.front());
  remote_.pop_front();
  co_return std::optional(std::move(first));
}

awaitable<result<std::optional<local_entry>>> verifier::next_local() {
  while (here_.empty()) {
    auto step = [this] { return tree_->next(entries_a_step); };
    auto found = co_await net::on_pool(session_.disk(), step);
    if (found.empty()) co_return std::nullopt;
    for (auto& entry : found) here_.push_back(std::move(entry));
  }
  auto first = std::move(here_.front());
  here_.pop_front();
  co_return std::optional(std::move(first));
}

awaitable<result<void>> verifier::plan_tree() {
  listing_ = std::make_unique<remote_listing>(session_, target_, base_, true);
  if (tree_) {
    auto planned = co_await plan_with_local();
    co_return planned;
  }
  while (!failed_) {
    auto entry = co_await next_remote();
    if (!entry) co_return std::unexpected(std::move(entry.error()));
    if (!*entry) break;
    if ((*entry)->folder) continue;
    verify_job job{.remote_path = join(base_, (*entry)->path),
                   .shown = (*entry)->path,
                   .local_path = {},
                   .size_bytes = (*entry)->size_bytes};
    co_await push(std::move(job));
  }
  co_return result<void>{};
}

// Both sides in the same order: a merge.
awaitable<result<void>> verifier::plan_with_local() {
  auto there = co_await next_remote();
  auto here = co_await next_local();
  while (there && here && (*there || *here) && !failed_) {
    const bool only_here = !*there || (*here && path_less((*here)->path, (*there)->path));
    const bool only_there = !*here || (*there && path_less((*there)->path, (*here)->path));
    if (only_here) {
      take_only_here(std::move(**here));
    } else if (only_there) {
      take_only_there(**there);
    } else {
      co_await take_pair(**there, **here);
    }
    if (!only_here) there = co_await next_remote();
    if (!only_there) here = co_await next_local();
  }
  if (!there) co_return std::unexpected(std::move(there.error()));
  if (!here) co_return std::unexpected(std::move(here.error()));
  co_return result<void>{};
}

// What `put` skips is no difference where it was skipped, but nobody may take it for verified.
void verifier::take_only_here(local_entry here) {
  if (here.what == local_entry::kind::skipped) {
    return note_skipped(session_, std::move(here), report_.skipped);
  }
  if (here.what != local_entry::kind::folder) ++report_.files;
  differs(std::move(here.path), std::nullopt, "missing on the server");
}

void verifier::take_only_there(const remote_entry& there) {
  if (!there.folder) ++report_.files;
  differs(there.path, std::nullopt, "missing here");
}

awaitable<void> verifier::take_pair(const remote_entry& there, const local_entry& here) {
  const bool folder_here = here.what == local_entry::kind::folder;
  if (here.what == local_entry::kind::failed) {
    differs(here.path, std::nullopt, here.problem);
  } else if (here.what == local_entry::kind::skipped) {
    differs(here.path, std::nullopt, "it is on the server, and here " + here.problem);
  } else if (there.folder != folder_here) {
    differs(here.path, std::nullopt,
            there.folder ? "a folder on the server, a file here"
                         : "a file on the server, a folder here");
  } else if (!there.folder && there.size_bytes != here.facts.size_bytes) {
    ++report_.files;
    differs(
        here.path, std::nullopt,
        fmt::format("{} bytes on the server, {} here", there.size_bytes, here.facts.size_bytes));
  } else if (!there.folder) {
    verify_job job{.remote_path = join(base_, there.path),
                   .shown = there.path,
                   .local_path = here.path,
                   .size_bytes = there.size_bytes};
    co_await push(std::move(job));
  }
}

awaitable<void> verifier::work() {
  while (!failed_) {
    if (session_.stopping()) fail_with({.code = errc::cancelled, .context = {}});
    if (jobs_.empty()) {
      if (planned_) break;
      co_await changed_.wait();
      continue;
    }
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    changed_.notify_all();
    auto checked = co_await check(job);
    if (checked) {
      ++report_.files;
      report_.bytes += job.size_bytes;
      session_.progress().file_done();
    } else if (checked.error().code == errc::not_found) {
      differs(job.shown, std::nullopt, "it went away while it was looked at");
    } else {
      fail_with(about(checked.error(), job.shown));
    }
  }
}

awaitable<result<void>> verifier::check(const verify_job& job) {
  session_.progress().at(job.shown);
  if (local_) {
    auto checked = co_await check_local(job);
    co_return checked;
  }
  auto checked = co_await check_recorded(job);
  co_return checked;
}

awaitable<result<void>> verifier::check_local(const verify_job& job) {
  source_file opened;
  int fd = file_.fd.get();
  if (tree_) {
    auto open = [this, &job] { return tree_->open_file(job.local_path); };
    auto file = co_await net::on_pool(session_.disk(), open);
    if (!file) co_return std::unexpected(std::move(file.error()));
    opened = std::move(*file);
    fd = opened.fd.get();
  }
  const digest_question what{.path = job.remote_path,
                             .upload_id = {},
                             .reads_content = true,
                             .size_bytes = job.size_bytes};
  auto found = co_await compare(session_, target_, what, fd, {});
  if (!found) co_return std::unexpected(std::move(found.error()));
  for (const auto& blocks : found->different) {
    for (auto block = blocks.first; block < blocks.end(); ++block) {
      differs(job.shown, block, "the server's copy differs");
    }
  }
  co_return result<void>{};
}

awaitable<result<void>> verifier::check_recorded(const verify_job& job) {
  auto by = co_await session_.open(target_);
  if (!by) co_return std::unexpected(std::move(by.error()));
  const digest_question what{.path = job.remote_path,
                             .upload_id = {},
                             .reads_content = true,
                             .size_bytes = job.size_bytes};
  bool any_record = job.size_bytes == 0;
  for (std::uint64_t next = 0; next < blocks_of(job.size_bytes);) {
    if (session_.stopping()) co_return fail(errc::cancelled);
    const run row{.first = next,
                  .count = std::min(digest_reply::blocks_max, blocks_of(job.size_bytes) - next)};
    const auto reply = ask_digests(**by, what, row);
    auto told = co_await reply->over();
    if (!told) co_return std::unexpected(std::move(told.error()));
    for (auto block = row.first; block < row.end(); ++block) {
      any_record = any_record || reply->recorded(block);
      if (reply->recorded(block) && reply->recorded(block) != reply->digest(block)) {
        differs(job.shown, block, "the server's copy differs from what it received");
      }
    }
    session_.progress().moved(static_cast<std::int64_t>(bytes_of(row, job.size_bytes)));
    next = row.end();
  }
  session_.give_back(std::move(*by));
  if (!any_record) {
    session_.progress().notice(
        fmt::format("{}: the server has no record to compare with", job.shown));
  }
  co_return result<void>{};
}

}  // namespace

result<verify_report> verify(const url& target, const std::optional<std::string>& local,
                             const verify_options& options, observer& watcher) {
  session work(options, watcher);
  verifier all(work, target, local, options.follow_symlinks);
  return work.run(all.run_all());
}

}  // namespace sluice::client
