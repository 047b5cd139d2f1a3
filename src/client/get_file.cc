#include "client/get_file.h"

#include <fmt/format.h>
#include <algorithm>
#include <thread>
#include <utility>

#include "client/digests.h"
#include "client/download.h"
#include "client/file_getter.h"

namespace sluice::client {
namespace {

constexpr unsigned streams_max = 16;
constexpr std::uint64_t two_streams_bytes = std::uint64_t{32} << 20;

// Block by block: what is here and right is not fetched again.
class native_getter final : public file_getter {
 public:
  using file_getter::file_getter;

 private:
  awaitable<result<bool>> is_same(int fd) override;
  awaitable<result<void>> fetch(file_outcome& outcome) override;
  awaitable<result<std::vector<run>>> missing_blocks();
  [[nodiscard]] digest_question question() const {
    return {.path = file_.path, .upload_id = {}, .size_bytes = file_.size_bytes};
  }
};

awaitable<result<bool>> native_getter::is_same(int fd) {
  auto found = co_await compare(session_, server_, question(), fd,
                                {.holes_differ = false, .counts_progress = false});
  if (!found) co_return std::unexpected(std::move(found.error()));
  const bool same = found->different.empty();
  co_return same;
}

// All blocks, less those that an earlier call left in the partial file.
awaitable<result<std::vector<run>>> native_getter::missing_blocks() {
  if (partial_.found_bytes() == 0) {
    std::vector<run> all;
    if (file_.size_bytes > 0) all.push_back({.first = 0, .count = blocks_of(file_.size_bytes)});
    co_return all;
  }
  session_.progress().enter(phase::comparing, name());
  auto found = co_await compare(session_, server_, question(), partial_.fd(),
                                {.holes_differ = true, .counts_progress = true});
  if (!found) co_return std::unexpected(std::move(found.error()));
  co_return std::move(found->different);
}

awaitable<result<void>> native_getter::fetch(file_outcome& outcome) {
  auto missing = co_await missing_blocks();
  if (!missing) co_return std::unexpected(std::move(missing.error()));
  if (missing->empty()) co_return result<void>{};
  session_.progress().enter(phase::receiving, name());
  const auto work = std::make_shared<download>(session_, server_, file_, partial_, *missing);
  auto fetched = co_await work->fetch(streams_for(file_.size_bytes, streams_));
  outcome.bytes_moved = work->bytes_moved();
  outcome.blocks_repeated = work->blocks_repeated();
  co_return fetched;
}

std::unique_ptr<file_getter> make_getter(session& owner, url server, remote_entry file,
                                         int folder_fd, std::string name,
                                         const get_options& options) {
  if (server.over_http) {
    return make_http_getter(owner, std::move(server), std::move(file), folder_fd, std::move(name),
                            options);
  }
  return std::make_unique<native_getter>(owner, std::move(server), std::move(file), folder_fd,
                                         std::move(name), options);
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
  const auto work =
      make_getter(owner, std::move(server), std::move(file), folder_fd, std::move(name), options);
  auto outcome = co_await work->run_all();
  if (!outcome) co_return std::unexpected(about(outcome.error(), what));
  co_return outcome;
}

}  // namespace sluice::client
