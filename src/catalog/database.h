// The catalog: what is known about content, in one SQL database.
//
// Owner: the server makes one and hands references to the rooms that use it. All calls may come
// from any thread, and block: never call them from an I/O thread.
//
// Writes are grouped. A small operation is queued with a callback; one thread takes all that
// wait, runs them in one transaction, commits (which syncs: SQLite in WAL mode with
// synchronous=FULL), then calls the callbacks in the order of the queue. An operation that fails
// takes only itself back. Reads run on connections of their own beside it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "catalog/session.h"
#include "sluice/error.h"

namespace sluice::catalog {

struct options {
  std::size_t max_waiting = 65536;  // operations in the queue; the next `write` waits for room
  std::size_t max_batch = 16384;    // operations in one transaction
  std::size_t readers = 4;          // connections for reading
  bool sync = true;                 // false: commits are not synced, to measure what syncs cost
};

class database {
 public:
  // Part of a transaction. May throw soci_error.
  using operation = std::move_only_function<result<void>(session&)>;
  // Called once on the catalog's thread after the commit; short, blocks on nothing.
  using callback = std::move_only_function<void(result<void>)>;

  // Opens or makes `catalog.db` (mode 0600) in `folder`, which must exist and which the store has
  // locked against a second server. A damaged catalog is refused with `io`, and told what to do.
  [[nodiscard]] static result<std::unique_ptr<database>> open(const std::filesystem::path& folder,
                                                              options opts = {});
  // What waits is still committed and called back.
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  // Queues `op`. Waits while the queue is full, but not on the catalog's own thread, so that a
  // callback may queue the next step. After the disk failed under a commit, every write fails
  // with `io`: a failed sync is not tried again.
  void write(operation op, callback done);
  // The same, and waits for the commit. Not from a callback: it would wait for itself.
  [[nodiscard]] result<void> write(operation op);

  // Runs `f(session&)` on a reading connection, waiting for a free one, in one snapshot.
  template <class F>
  [[nodiscard]] auto read(F f) -> result<std::invoke_result_t<F, session&>>;

  // Operations in the queue: not those that are being committed.
  [[nodiscard]] std::size_t waiting() const;
  // Transactions committed so far.
  [[nodiscard]] std::uint64_t commits() const;

 private:
  struct queued {
    operation op;
    callback done;
    result<void> outcome;
  };
  class lent;

  database(std::filesystem::path folder, options opts);
  [[nodiscard]] result<void> start();
  [[nodiscard]] result<void> make_file() const;
  [[nodiscard]] result<void> open_sessions();
  void serve();
  void commit(std::vector<queued>& batch);
  [[nodiscard]] result<void> run_all(std::vector<queued>& batch);
  void run_one(queued& one);
  [[nodiscard]] result<void> read_once(const std::function<void(session&)>& what);
  [[nodiscard]] session* borrow();
  void give_back(session* s);

  const std::filesystem::path folder_;
  const options opts_;
  std::unique_ptr<session> writer_;
  std::vector<std::unique_ptr<session>> readers_;

  mutable std::mutex mutex_;
  std::condition_variable work_;  // something waits, or the end
  std::condition_variable room_;  // the queue has room again
  std::condition_variable free_;  // a reader came back
  std::deque<queued> queue_;
  std::vector<session*> idle_;
  std::uint64_t commits_ = 0;
  bool stopping_ = false;
  bool failed_ = false;  // only the catalog's thread
  std::thread thread_;
};

template <class F>
auto database::read(F f) -> result<std::invoke_result_t<F, session&>> {
  using found = std::invoke_result_t<F, session&>;
  if constexpr (std::is_void_v<found>) {
    return read_once(f);
  } else {
    std::optional<found> there;
    if (auto done = read_once([&](session& s) { there.emplace(f(s)); }); !done) {
      return std::unexpected(std::move(done.error()));
    }
    return *std::move(there);
  }
}

}  // namespace sluice::catalog
