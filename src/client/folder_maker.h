// Makes folders on the server, many on their way at once, and sets their times.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "client/failures.h"
#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

// Owned by one coroutine, which awaits all_done() before this goes. MAKE_FOLDER with `may_exist`
// can be sent twice: after a lost connection it is.
class folder_maker {
 public:
  folder_maker(session& owner, url server, failures& failed);

  // Returns when it is on its way; waits while many are.
  awaitable<result<void>> make(std::string path, std::optional<std::int64_t> mtime_ns);
  // Errors: those of the connection after the retries; what the server refused is in the failures.
  awaitable<result<void>> all_done();

 private:
  class call;
  awaitable<result<void>> at_most(std::size_t count);
  void send(const v1::MakeFolder& message);

  session& session_;
  const url server_;
  failures& failed_;
  patience patient_;
  net::signal changed_;
  std::shared_ptr<connection> by_;
  std::size_t open_ = 0;
  std::deque<v1::MakeFolder> again_;
};

}  // namespace sluice::client
