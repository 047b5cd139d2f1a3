// get: which source goes where.
#include <unistd.h>

#include <fmt/format.h>
#include <filesystem>

#include "client/client.h"
#include "client/get_all.h"
#include "client/get_file.h"
#include "client/get_tree.h"
#include "client/local_file.h"
#include "client/look_at.h"
#include "client/names.h"

namespace sluice::client {
namespace {

class getter {
 public:
  getter(session& owner, std::vector<url> sources, std::string target, const get_options& options)
      : session_(owner),
        sources_(std::move(sources)),
        target_(std::move(target)),
        options_(options) {}

  awaitable<result<summary>> run_all();

 private:
  awaitable<result<void>> look_at_target();
  awaitable<result<remote_entry>> look(url source);
  awaitable<result<void>> get_one(url source);
  awaitable<result<void>> get_one_file(url source, remote_entry file);
  awaitable<result<file_outcome>> get_named(url source, remote_entry file);

  session& session_;
  const std::vector<url> sources_;
  const std::string target_;
  const get_options options_;
  bool into_folder_ = false;
  summary done_;
};

// A folder that is there, or that the user wants there.
result<bool> is_folder(const std::string& target) {
  if (target.empty()) return true;
  std::error_code failed;
  if (std::filesystem::is_directory(target, failed)) return true;
  if (!target.ends_with('/')) return false;
  std::filesystem::create_directories(target, failed);
  if (failed) return fail_errno(failed.value(), fmt::format("make the folder {}", target));
  return true;
}

awaitable<result<void>> getter::look_at_target() {
  if (target_ == "-") co_return result<void>{};
  auto work = [this] { return is_folder(target_); };
  auto folder = co_await net::on_pool(session_.disk(), work);
  if (!folder) co_return std::unexpected(std::move(folder.error()));
  into_folder_ = *folder;
  if (sources_.size() > 1 && !into_folder_) {
    co_return fail(errc::invalid_argument,
                   fmt::format("get several files into {}: it is no folder", target_));
  }
  co_return result<void>{};
}

awaitable<result<summary>> getter::run_all() {
  auto looked = co_await look_at_target();
  if (!looked) co_return std::unexpected(std::move(looked.error()));
  for (const auto& source : sources_) {
    auto got = co_await get_one(source);
    if (!got) co_return std::unexpected(std::move(got.error()));
  }
  co_return std::move(done_);
}

awaitable<result<remote_entry>> getter::look(url source) {
  session_.progress().enter(phase::connecting, source.text());
  auto found = co_await look_at(session_, source, std::string(without_slash(source.path)));
  if (!found) co_return std::unexpected(about(found.error(), "look at " + source.text()));
  if (!*found) co_return fail(errc::not_found, "get " + source.text());
  co_return std::move(**found);
}

awaitable<result<void>> getter::get_one(url source) {
  auto found = co_await look(source);
  if (!found) co_return std::unexpected(std::move(found.error()));
  // The path is the one that we asked for: a server does not choose names for us.
  found->path = without_slash(source.path);
  if (!found->folder) {
    auto got = co_await get_one_file(std::move(source), std::move(*found));
    co_return got;
  }
  if (target_ == "-") {
    co_return fail(errc::not_a_file, fmt::format("get {} to the output", source.text()));
  }
  // The served folder itself has no name: its content goes right into the target.
  const auto name = name_of(found->path);
  const auto target = into_folder_ ? join(target_.empty() ? "." : target_, name) : target_;
  const auto fault = name.empty() || !into_folder_ ? std::string_view{} : fault_of_name(name);
  if (!fault.empty()) co_return fail(errc::invalid_argument, fmt::format("get {}", source.text()));
  std::string place = target_.starts_with('/') && target.empty() ? "/" : target;
  auto got = co_await get_tree(session_, source, found->path, std::move(place), options_, done_);
  co_return got;
}

awaitable<result<void>> getter::get_one_file(url source, remote_entry file) {
  const auto size_bytes = file.size_bytes;
  session_.progress().expect(size_bytes, 1);
  if (sources_.size() == 1) session_.progress().totals_known();
  result<file_outcome> outcome;
  if (target_ == "-") {
    outcome = co_await get_to_output(session_, source, std::move(file), STDOUT_FILENO);
  } else {
    outcome = co_await get_named(source, std::move(file));
  }
  if (!outcome) co_return std::unexpected(std::move(outcome.error()));
  ++(outcome->unchanged ? done_.files_unchanged : done_.files);
  done_.bytes += size_bytes;
  done_.bytes_moved += outcome->bytes_moved;
  done_.blocks_repeated += outcome->blocks_repeated;
  session_.progress().file_done();
  co_return result<void>{};
}

awaitable<result<file_outcome>> getter::get_named(url source, remote_entry file) {
  const std::filesystem::path path(target_);
  std::string name = into_folder_ ? std::string(name_of(file.path)) : path.filename().string();
  if (const auto fault = fault_of_name(name); into_folder_ && !fault.empty()) {
    co_return fail(errc::invalid_argument, fmt::format("get {}: {}", source.text(), fault));
  }
  const std::string folder = into_folder_ ? target_ : path.parent_path().string();
  auto open = [folder] { return open_folder(folder); };
  auto fd = co_await net::on_pool(session_.disk(), open);
  if (!fd) co_return std::unexpected(std::move(fd.error()));
  auto outcome = co_await get_file(session_, std::move(source), std::move(file), fd->get(),
                                   std::move(name), options_);
  co_return outcome;
}

}  // namespace

awaitable<result<summary>> get_all(session& owner, std::vector<url> sources, std::string target,
                                   get_options options) {
  getter all(owner, std::move(sources), std::move(target), options);
  auto got = co_await all.run_all();
  co_return got;
}

result<summary> get(const std::vector<url>& sources, const std::string& target,
                    const get_options& options, observer& watcher) {
  if (sources.empty()) return fail(errc::invalid_argument, "get: nothing to get");
  session work(options, watcher);
  return work.run(get_all(work, sources, target, options));
}

}  // namespace sluice::client
