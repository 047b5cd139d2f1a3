// GET, many at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "native/session.h"
#include "transfer/downloads.h"

namespace sluice::native {

// Gathers the requests that came together and hands them to the blocking pool as one batch: a hop
// to another thread, and a look into the catalog, cost as much as a small file. Content that is
// small comes back as frames; what is not is answered by a coroutine of its own, a few at a time. A
// part of its session.
class gets {
 public:
  explicit gets(session& owner) : session_(owner) {}

  // Waits while much is on its way already.
  awaitable<void> begin(std::uint32_t request, v1::Get message);

  // Hands what was gathered to the pool. To be called before the session waits for its peer.
  void flush();

  // Requests that are not over.
  [[nodiscard]] std::size_t open() const noexcept { return open_; }

 private:
  struct asked {
    std::uint32_t request = 0;
    v1::Get message;
  };
  struct answer {
    std::vector<std::byte> frames;  // the replies to all that are neither in `large` nor in `left`
    std::vector<asked> large;
    std::vector<asked> left;          // over the limit of one batch: for the next
    std::uint64_t content_bytes = 0;  // in `frames`
  };

  static awaitable<void> run(std::shared_ptr<session> keep, gets& self, std::vector<asked> files);
  static awaitable<void> run_large(std::shared_ptr<session> keep, gets& self);
  [[nodiscard]] static std::vector<result<std::shared_ptr<transfer::download>>> open_all(
      transfer::downloads& from, const base::caller_ptr& who, const std::vector<asked>& files);
  static answer answer_all(service& shared, const base::caller_ptr& who, std::vector<asked> files);

  session& session_;
  std::deque<asked> gathered_;
  std::deque<asked> large_;
  std::size_t open_ = 0;
  std::size_t batches_ = 0;        // on the pool
  std::size_t large_running_ = 0;  // coroutines
};

}  // namespace sluice::native
