// The entries of a folder of the server, taken in portions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

class listing_reply;

// Owned by one coroutine. Entries come in the order of `path_less`, and their names have been
// checked: a server that breaks either is told off (bad_frame). What was read ahead and not taken
// is bounded; while it is full, the connection is not read, and where the server loses patience
// with that, the listing goes on behind the last entry over a new one.
class remote_listing {
 public:
  // `path` is a folder or a file; of a file there is one entry with an empty path.
  remote_listing(session& owner, url server, std::string path, bool recursive);
  ~remote_listing();
  remote_listing(const remote_listing&) = delete;
  remote_listing& operator=(const remote_listing&) = delete;

  // The next entries; none at the end.
  awaitable<result<std::vector<remote_entry>>> next();

 private:
  awaitable<result<std::vector<remote_entry>>> next_of_connection();

  session& session_;
  const url server_;
  const std::string path_;
  const bool recursive_;
  patience patient_;
  std::string after_;
  bool ended_ = false;
  std::shared_ptr<connection> by_;
  std::shared_ptr<listing_reply> reply_;
};

}  // namespace sluice::client
