// Many small files of a tree, whichever way they go: the queue, and when it is over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "client/connection.h"
#include "client/failures.h"
#include "client/names.h"
#include "client/requests.h"
#include "client/shared_work.h"

namespace sluice::client {

// Handled by one thread for the disk in one go, at the most.
inline constexpr std::size_t small_batch_files = 64;

// What is on its way in one connection: asked for or sent, and not yet over.
struct small_window {
  static constexpr std::size_t files_max = 512;
  static constexpr std::uint64_t bytes_max = std::uint64_t{8} << 20;

  [[nodiscard]] bool is_full(const connection& in) const noexcept {
    return files >= std::min(files_max, in.max_requests() / 2) || bytes >= bytes_max;
  }

  std::size_t files = 0;
  std::uint64_t bytes = 0;
};

// The base of small_puts and small_gets. `Job` has a `path` below the source. Owned by the work on
// the tree, whose task group runs the streams and is joined before this goes. I/O thread.
template <class Job>
class small_streams : public shared_work {
 public:
  // Waits while many are waiting already.
  awaitable<void> push(Job file) {
    while (jobs_.size() >= waiting_max && !failed()) co_await changed_.wait();
    ++pending_;
    jobs_.push_back(std::move(file));
    // Streams that wait for work take a whole batch: not woken for each file.
    if (jobs_.size() == 1 || jobs_.size() == small_batch_files) changed_.notify_all();
  }

  // No more come: the streams end when all are done.
  void close() {
    closed_ = true;
    changed_.notify_all();
  }

 protected:
  static constexpr std::size_t waiting_max = 1'024;

  // `verb` ("put") is for errors; `base` is the folder on the server. The references outlive this.
  small_streams(session& owner, url server, std::string base, std::string_view verb, summary& done,
                failures& failed_files)
      : shared_work(owner, std::move(server)),
        base_(std::move(base)),
        done_(done),
        verb_(verb),
        failed_files_(failed_files) {}
  ~small_streams() = default;

  void again(Job file) {
    jobs_.push_front(std::move(file));
    changed_.notify_all();
  }

  void finished(const Job& file, std::uint64_t size_bytes, bool unchanged) {
    ++(unchanged ? done_.files_unchanged : done_.files);
    done_.bytes += size_bytes;
    session_.progress().at(file.path);
    session_.progress().moved(static_cast<std::int64_t>(size_bytes));
    session_.progress().file_done();
    if (--pending_ == 0) changed_.notify_all();
  }

  void failed_one(const Job& file, const error& why) {
    const auto what = verb_ + " " + join(base_, file.path);
    if (!is_of_one_file(why)) return fail_with(about(why, what));
    failed_files_.add(what, why);
    if (--pending_ == 0) changed_.notify_all();
  }

  [[nodiscard]] bool is_over() const noexcept final {
    return failed() || (closed_ && pending_ == 0);
  }

  const std::string base_;
  summary& done_;
  std::deque<Job> jobs_;

 private:
  [[nodiscard]] bool is_idle() const noexcept final { return jobs_.empty(); }
  [[nodiscard]] std::uint64_t done_so_far() const noexcept final {
    return done_.files + done_.files_unchanged;
  }

  const std::string verb_;
  failures& failed_files_;
  std::size_t pending_ = 0;  // pushed and neither done nor failed
  bool closed_ = false;
};

}  // namespace sluice::client
