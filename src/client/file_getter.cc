#include "client/file_getter.h"

#include <fmt/format.h>
#include <utility>

#include "client/local_file.h"

namespace sluice::client {

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
    const auto same = co_await is_same(local.fd.get());
    if (!same) co_return std::unexpected(same.error());
    if (*same) {
      session_.progress().moved(static_cast<std::int64_t>(file_.size_bytes));
      co_return true;
    }
  }
  if (overwrite_) co_return false;
  co_return fail(errc::exists,
                 fmt::format("{} is there and differs; --overwrite replaces it", name_));
}

awaitable<result<void>> file_getter::open_partial() {
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
  co_return result<void>{};
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
  auto opened = co_await open_partial();
  if (!opened) co_return std::unexpected(std::move(opened.error()));
  file_outcome outcome;
  auto fetched = co_await fetch(outcome);
  if (!fetched) co_return std::unexpected(std::move(fetched.error()));
  auto published = co_await publish();
  if (!published) co_return std::unexpected(std::move(published.error()));
  co_return outcome;
}

}  // namespace sluice::client
