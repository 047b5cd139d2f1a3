// The entries of a folder of the server, taken in portions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

class listing_reply;

// The entries of a folder, whatever protocol brings them. Owned by one coroutine.
class listing {
 public:
  listing() = default;
  listing(const listing&) = delete;
  listing& operator=(const listing&) = delete;
  virtual ~listing() = default;

  // The next entries; none at the end.
  virtual awaitable<result<std::vector<remote_entry>>> next() = 0;
};

// By the protocol of the address. Of a file there is one entry with an empty path.
[[nodiscard]] std::unique_ptr<listing> open_listing(session& owner, url server, std::string path,
                                                    bool recursive);

// What a server may list behind `last`: checked names, in the order of `path_less`. bad_frame.
[[nodiscard]] result<void> check_listed(const remote_entry& entry, const std::string& last);

// By the native protocol. Owned by one coroutine. Entries come in the order of `path_less`, and
// their names have been checked: a server that breaks either is told off (bad_frame). What was read
// ahead and not taken is bounded; while it is full, the connection is not read, and where the
// server loses patience with that, the listing goes on behind the last entry over a new one.
class remote_listing final : public listing {
 public:
  // `path` is a folder or a file; of a file there is one entry with an empty path.
  remote_listing(session& owner, url server, std::string path, bool recursive);
  ~remote_listing() override;

  awaitable<result<std::vector<remote_entry>>> next() override;

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
