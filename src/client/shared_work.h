// Work that several connections do together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "client/connection.h"
#include "client/session.h"
#include "client/task_group.h"

namespace sluice::client {

// The base of such work: streams take from it, each over a connection of its own, until it is over.
// One that lost its connection tries again with the session's patience, and then leaves its share
// to the others; only the last one's failure ends the work. Whoever starts the streams joins their
// group before this goes. I/O thread.
class shared_work {
 public:
  shared_work(const shared_work&) = delete;
  shared_work& operator=(const shared_work&) = delete;

  void start(task_group& in, unsigned streams);

  // What ended all of it.
  [[nodiscard]] const std::optional<error>& failed() const noexcept { return failed_; }
  void fail_with(error why);

 protected:
  shared_work(session& owner, url server);
  ~shared_work() = default;

  // All is done, or it failed.
  [[nodiscard]] virtual bool is_over() const noexcept = 0;
  // Nothing waits for a stream; what others have on the way may come back.
  [[nodiscard]] virtual bool is_idle() const noexcept = 0;
  // Grows with all that gets done.
  [[nodiscard]] virtual std::uint64_t done_so_far() const noexcept = 0;
  // Until the connection is lost, or there is nothing more for it.
  virtual awaitable<void> serve(std::shared_ptr<connection> by) = 0;

  session& session_;
  const url server_;
  net::signal changed_;

 private:
  awaitable<void> stream();

  std::optional<error> failed_;
  unsigned streams_ = 0;  // that are alive
};

}  // namespace sluice::client
