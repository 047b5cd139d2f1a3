// put: which source goes where.
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <filesystem>

#include "client/client.h"
#include "client/names.h"
#include "client/put_file.h"
#include "client/put_tree.h"

namespace sluice::client {
namespace {

// A source and what it is.
struct named_source {
  std::string path;
  std::string name;  // under which it goes into a folder
  bool is_folder = false;
};

// Blocks.
result<named_source> look_at(const std::string& path) {
  if (path == "-") return named_source{.path = path, .name = {}, .is_folder = false};
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!std::filesystem::exists(status)) {
    return fail(errc::not_found, fmt::format("put {}", path));
  }
  named_source source{.path = path,
                      .name = std::string(name_of(path)),
                      .is_folder = std::filesystem::is_directory(status)};
  if (source.name.empty() || source.name == "." || source.name == "..") {
    source.name = std::filesystem::canonical(path, failed).filename().string();
  }
  if (const auto fault = fault_of_name(source.name); !fault.empty()) {
    return fail(errc::invalid_argument, fmt::format("put {}: {}", path, fault));
  }
  return source;
}

class putter {
 public:
  putter(session& owner, std::vector<std::string> sources, url target, const put_options& options)
      : session_(owner),
        paths_(std::move(sources)),
        target_(std::move(target)),
        options_(options) {}

  awaitable<result<summary>> run_all();

 private:
  awaitable<result<void>> look_at_sources();
  awaitable<result<std::optional<remote_entry>>> look(std::string path);
  awaitable<result<void>> put_one(named_source source);
  awaitable<result<void>> put_one_file(const named_source& source, std::string path,
                                       std::optional<remote_entry> there);
  void count(const std::string& path, const file_outcome& outcome, std::uint64_t size_bytes);

  session& session_;
  const std::vector<std::string> paths_;
  const url target_;
  const put_options options_;
  std::vector<named_source> sources_;
  bool into_folder_ = false;
  std::optional<remote_entry> there_;  // the target itself
  summary done_;
};

awaitable<result<void>> putter::look_at_sources() {
  for (const auto& path : paths_) {
    auto work = [&path] { return look_at(path); };
    auto found = co_await net::on_pool(session_.disk(), work);
    if (!found) co_return std::unexpected(std::move(found.error()));
    sources_.push_back(std::move(*found));
  }
  co_return result<void>{};
}

awaitable<result<std::optional<remote_entry>>> putter::look(std::string path) {
  auto by = co_await session_.open(target_);
  if (!by) co_return std::unexpected(about(by.error(), "connect"));
  auto there = co_await stat(*by, path);
  session_.give_back(std::move(*by));
  if (!there) co_return std::unexpected(about(there.error(), "look at " + target_.text()));
  co_return there;
}

awaitable<result<summary>> putter::run_all() {
  auto looked = co_await look_at_sources();
  if (!looked) co_return std::unexpected(std::move(looked.error()));
  session_.progress().enter(phase::connecting, target_.text());
  auto there = co_await look(std::string(without_slash(target_.path)));
  if (!there) co_return std::unexpected(std::move(there.error()));
  there_ = std::move(*there);
  into_folder_ = (there_ && there_->folder) || target_.path.empty() ||
                 target_.path.ends_with('/') || sources_.size() > 1;
  if (into_folder_ && there_ && !there_->folder) {
    co_return fail(errc::not_a_file, fmt::format("put into {}: it is no folder", target_.text()));
  }
  for (const auto& source : sources_) {
    auto put = co_await put_one(source);
    if (!put) co_return std::unexpected(std::move(put.error()));
  }
  co_return std::move(done_);
}

awaitable<result<void>> putter::put_one(named_source source) {
  if (source.path == "-" && into_folder_) {
    co_return fail(errc::invalid_argument,
                   "put standard input: name the file that it is to become, as in " +
                       target_.text() + "/NAME");
  }
  const std::string base(without_slash(target_.path));
  const auto path = into_folder_ ? join(base, source.name) : base;
  std::optional<remote_entry> there = there_;
  // What is in a folder that is not there is not there either.
  if (into_folder_ && there_) {
    auto now = co_await look(path);
    if (!now) co_return std::unexpected(std::move(now.error()));
    there = std::move(*now);
  }
  if (source.is_folder) {
    auto put = co_await put_tree(session_, target_, source.path, path, there, options_, done_);
    co_return put;
  }
  auto put = co_await put_one_file(source, path, there);
  co_return put;
}

awaitable<result<void>> putter::put_one_file(const named_source& source, std::string path,
                                             std::optional<remote_entry> there) {
  if (source.path == "-") {
    auto outcome = co_await put_from_input(session_, target_, path, STDIN_FILENO, there, options_);
    if (!outcome) co_return std::unexpected(std::move(outcome.error()));
    count(path, *outcome, outcome->bytes_moved);
    co_return result<void>{};
  }
  auto work = [&source] { return open_source(AT_FDCWD, source.path, true); };
  auto file = co_await net::on_pool(session_.disk(), work);
  if (!file) co_return std::unexpected(about(file.error(), "put"));
  session_.progress().expect(file->facts.size_bytes, 1);
  if (sources_.size() == 1) session_.progress().totals_known();
  auto outcome = co_await put_file(session_, target_, path, *file, there, options_);
  if (!outcome) co_return std::unexpected(std::move(outcome.error()));
  count(path, *outcome, file->facts.size_bytes);
  co_return result<void>{};
}

void putter::count(const std::string& path, const file_outcome& outcome, std::uint64_t size_bytes) {
  note_renamed(session_, path, outcome, done_);
  ++(outcome.unchanged ? done_.files_unchanged : done_.files);
  done_.bytes += size_bytes;
  done_.bytes_moved += outcome.bytes_moved;
  done_.blocks_repeated += outcome.blocks_repeated;
  session_.progress().file_done();
}

}  // namespace

result<summary> put(const std::vector<std::string>& sources, const url& target,
                    const put_options& options, observer& watcher) {
  if (sources.empty()) return fail(errc::invalid_argument, "put: nothing to put");
  session work(options, watcher);
  putter all(work, sources, target, options);
  return work.run(all.run_all());
}

}  // namespace sluice::client
