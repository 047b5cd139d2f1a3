// What moving a tree has in common whichever way it goes: a walk that finds files, streams for the
// small ones, and a few at a time of the others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/failures.h"
#include "client/get_file.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/task_group.h"

namespace sluice::client {

// Entries that are looked at by one call to a thread for the disk.
inline constexpr std::size_t tree_step_entries = 256;

// Its time is set at the end, since everything that goes into a folder changes it.
struct made_folder {
  std::string path;
  std::int64_t mtime_ns = 0;
};

// `Large` is a file over one block. One coroutine awaits move_all(), and this outlives it. I/O
// thread.
template <class Large, class Small>
class tree_work {
 public:
  tree_work(const tree_work&) = delete;
  tree_work& operator=(const tree_work&) = delete;

 protected:
  tree_work(session& owner, summary& done)
      : session_(owner), done_(done), failed_(owner.progress()), changed_(owner.where()) {}
  ~tree_work() = default;

  // Finds all there is, and gives it to `small` and push_large().
  virtual awaitable<result<void>> walk() = 0;
  virtual awaitable<void> move_large(Large file) = 0;

  // Until all is moved, or something stands in the way of all of it. What failed by itself is in
  // `failed_`. `small` outlives this object's part in the move; `streams` 0: chosen.
  awaitable<result<void>> move_all(Small& small, unsigned streams) {
    small_ = &small;
    task_group all(session_.where());
    small.start(all, std::clamp(streams > 0 ? streams : 2, 1U, small_streams_max));
    for (unsigned i = 0; i < large_files_at_a_time; ++i) all.spawn(large_files());
    auto walked = co_await walk();
    walked_ = true;
    if (!walked) fail_with(std::move(walked.error()));
    session_.progress().totals_known();
    small.close();
    changed_.notify_all();
    co_await all.join();
    if (!fatal_ && small.failed()) fatal_ = small.failed();
    if (fatal_) co_return std::unexpected(*fatal_);
    co_return result<void>{};
  }

  awaitable<void> push_large(Large file) {
    while (large_.size() >= large_files_waiting && !is_broken()) co_await changed_.wait();
    large_.push_back(std::move(file));
    changed_.notify_all();
  }

  void moved_large(const result<file_outcome>& outcome, std::uint64_t size_bytes) {
    if (!outcome) {
      if (is_of_one_file(outcome.error())) return failed_.add(outcome.error());
      return fail_with(outcome.error());
    }
    ++(outcome->unchanged ? done_.files_unchanged : done_.files);
    done_.bytes += size_bytes;
    done_.bytes_moved += outcome->bytes_moved;
    done_.blocks_repeated += outcome->blocks_repeated;
    session_.progress().file_done();
  }

  [[nodiscard]] bool is_broken() const noexcept { return fatal_ || (small_ && small_->failed()); }

  session& session_;
  summary& done_;
  failures failed_;
  std::vector<made_folder> made_;

 private:
  static constexpr unsigned large_files_at_a_time = 3;
  static constexpr std::size_t large_files_waiting = 64;  // found before the walk waits
  static constexpr unsigned small_streams_max = 4;

  void fail_with(error why) {
    if (!fatal_) fatal_ = why;
    small_->fail_with(std::move(why));
    changed_.notify_all();
  }

  awaitable<void> large_files() {
    while (!is_broken()) {
      if (large_.empty()) {
        if (walked_) break;
        co_await changed_.wait();
        continue;
      }
      auto file = std::move(large_.front());
      large_.pop_front();
      changed_.notify_all();
      co_await move_large(std::move(file));
    }
  }

  net::signal changed_;
  Small* small_ = nullptr;
  std::deque<Large> large_;
  bool walked_ = false;
  std::optional<error> fatal_;
};

}  // namespace sluice::client
