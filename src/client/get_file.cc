#include "client/get_file.h"

#include <fcntl.h>

#include <fmt/format.h>
#include <algorithm>
#include <thread>
#include <utility>

#include "client/digests.h"
#include "client/download.h"
#include "client/names.h"
#include "client/partial_file.h"

namespace sluice::client {
namespace {

constexpr unsigned streams_max = 16;
constexpr std::uint64_t two_streams_bytes = std::uint64_t{32} << 20;

class file_getter {
 public:
  file_getter(session& owner, url server, remote_entry file, int folder_fd, std::string name,
              const get_options& options)
      : session_(owner),
        server_(std::move(server)),
        file_(std::move(file)),
        folder_fd_(folder_fd),
        name_(std::move(name)),
        overwrite_(options.overwrite),
        streams_(options.streams) {}

  awaitable<result<file_outcome>> run_all();

 private:
  awaitable<result<bool>> is_there_already();
  awaitable<result<std::vector<run>>> missing_blocks();
  awaitable<result<void>> publish();
  [[nodiscard]] digest_question question() const {
    return {.path = file_.path, .upload_id = {}, .size_bytes = file_.size_bytes};
  }

  session& session_;
  const url server_;
  const remote_entry file_;
  const int folder_fd_;
  const std::string name_;
  const bool overwrite_;
  const unsigned streams_;
  partial_file partial_;
};

// Identical content under the final name: nothing to do. Other content: `exists`.
awaitable<result<bool>> file_getter::is_there_already() {
  auto look = [this]() -> result<std::pair<occupant, source_file>> {
    auto found = occupant_of(folder_fd_, name_);
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found != occupant::file) return std::pair{*found, source_file{}};
    auto file = open_source(folder_fd_, name_, false);
    if (!file) return std::unexpected(std::move(file.error()));
    return std::pair{*found, std::move(*file)};
  };
  auto there = co_await net::on_pool(session_.disk(), look);
  if (!there) co_return std::unexpected(std::move(there.error()));
  const auto& [what, local] = *there;
  if (what == occupant::nothing) co_return false;
  if (what == occupant::folder || what == occupant::other) {
    co_return fail(errc::not_a_file, fmt::format("{} is there and is no file", name_));
  }
  if (what == occupant::file && local.facts.size_bytes == file_.size_bytes) {
    session_.progress().enter(phase::comparing, name_);
    auto found = co_await compare(session_, server_, question(), local.fd.get(),
                                  {.holes_differ = false, .counts_progress = false});
    if (!found) co_return std::unexpected(std::move(found.error()));
    if (found->different.empty()) {
      session_.progress().moved(static_cast<std::int64_t>(found->equal_bytes));
      co_return true;
    }
  }
  if (overwrite_) co_return false;
  co_return fail(errc::exists,
                 fmt::format("{} is there and differs; --overwrite replaces it", name_));
}

// All blocks, less those that an earlier call left in the partial file.
awaitable<result<std::vector<run>>> file_getter::missing_blocks() {
  auto open = [this]() -> result<partial_file> {
    auto partial = partial_file::open(folder_fd_, name_);
    if (!partial) return partial;
    auto reserved = partial->reserve(file_.size_bytes);
    if (!reserved) return std::unexpected(std::move(reserved.error()));
    return partial;
  };
  auto partial = co_await net::on_pool(session_.disk(), open);
  if (!partial) co_return std::unexpected(std::move(partial.error()));
  partial_ = std::move(*partial);
  if (partial_.found_bytes() == 0) {
    std::vector<run> all;
    if (file_.size_bytes > 0) all.push_back({.first = 0, .count = blocks_of(file_.size_bytes)});
    co_return all;
  }
  session_.progress().enter(phase::comparing, name_);
  auto found = co_await compare(session_, server_, question(), partial_.fd(),
                                {.holes_differ = true, .counts_progress = true});
  if (!found) co_return std::unexpected(std::move(found.error()));
  co_return std::move(found->different);
}

awaitable<result<void>> file_getter::publish() {
  session_.progress().enter(phase::syncing, name_);
  auto work = [this] {
    return partial_.publish({.size_bytes = file_.size_bytes,
                             .mtime_ns = file_.mtime_ns,
                             .executable = file_.executable},
                            overwrite_);
  };
  auto published = co_await net::on_pool(session_.disk(), work);
  co_return published;
}

awaitable<result<file_outcome>> file_getter::run_all() {
  auto there = co_await is_there_already();
  if (!there) co_return std::unexpected(std::move(there.error()));
  if (*there) co_return file_outcome{.unchanged = true};
  auto missing = co_await missing_blocks();
  if (!missing) co_return std::unexpected(std::move(missing.error()));
  file_outcome outcome;
  if (!missing->empty()) {
    session_.progress().enter(phase::receiving, name_);
    const auto work = std::make_shared<download>(session_, server_, file_, partial_, *missing);
    auto fetched = co_await work->fetch(streams_for(file_.size_bytes, streams_));
    if (!fetched) co_return std::unexpected(std::move(fetched.error()));
    outcome.bytes_moved = work->bytes_moved();
    outcome.blocks_repeated = work->blocks_repeated();
  }
  auto published = co_await publish();
  if (!published) co_return std::unexpected(std::move(published.error()));
  co_return outcome;
}

}  // namespace

unsigned streams_for(std::uint64_t size_bytes, unsigned asked) noexcept {
  const auto blocks = std::max<std::uint64_t>(blocks_of(size_bytes), 1);
  unsigned streams = std::min(asked, streams_max);
  if (streams == 0) {
    streams = size_bytes > two_streams_bytes && std::thread::hardware_concurrency() > 1 ? 2 : 1;
  }
  return static_cast<unsigned>(std::min<std::uint64_t>(streams, blocks));
}

awaitable<result<file_outcome>> get_file(session& owner, url server, remote_entry file,
                                         int folder_fd, std::string name, get_options options) {
  const auto what = fmt::format("get {}", file.path);
  file_getter work(owner, std::move(server), std::move(file), folder_fd, std::move(name), options);
  auto outcome = co_await work.run_all();
  if (!outcome) co_return std::unexpected(about(outcome.error(), what));
  co_return outcome;
}

}  // namespace sluice::client
