// Sends blocks of one local file to one upload of the server, over several connections.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/buffer_pool.h"
#include "client/blocks.h"
#include "client/local_file.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/task_group.h"

namespace sluice::client {

// Where a file goes, and what it may take the place of.
struct put_place {
  url server;
  std::string path;  // the whole path on the server
  std::optional<v1::Replace> replace;
};

class lane;

// Shared by the coroutine that awaits send(), the requests and the work on the disk. A block is
// read, digested and sent; it counts as arrived when the server said that it is durable. What was
// sent over a connection that was lost and not told durable is sent again, and so is what the
// server refused as damaged, three times at most.
class upload : public std::enable_shared_from_this<upload> {
 public:
  static constexpr unsigned tries_max = 3;

  // `source` stays open, and its content unchanged, until send() is over.
  upload(session& owner, put_place place, const source_file& source);

  // Opens or resumes the upload, sends what is missing, and publishes. Errors: exists, conflict,
  // changed (the source became another), bad_digest, no_space, cancelled, those of connections
  // after the retries. Except after `changed` the server keeps what arrived, for the next time.
  awaitable<result<void>> send(unsigned streams);

  // After `exists`: send() again publishes under this name, which replaces nothing. What the server
  // holds already is not sent again.
  void take_name(std::string path);
  // Nobody will go on with what the server holds: it is thrown away there. Errors are of no use.
  awaitable<void> discard();
  // The server holds an upload that can be gone on with.
  [[nodiscard]] bool is_kept() const noexcept { return !upload_id_.empty(); }

  [[nodiscard]] std::uint64_t bytes_moved() const noexcept { return bytes_moved_; }
  [[nodiscard]] std::uint64_t blocks_repeated() const noexcept { return blocks_repeated_; }

 private:
  friend class lane;
  using self = std::shared_ptr<upload>;
  using lane_ptr = std::shared_ptr<lane>;

  static awaitable<void> stream(self me, bool first);
  awaitable<result<void>> stream_on(bool first);
  // One connection's part, until all is durable, the upload has failed or the connection is lost.
  awaitable<result<void>> serve(std::shared_ptr<connection> by, bool first);
  awaitable<result<void>> begin_with(lane_ptr by);
  awaitable<result<void>> open_on(lane_ptr by);
  awaitable<result<void>> look_at_kept(lane_ptr by);
  [[nodiscard]] bool lets_kept_go(const error& why);
  awaitable<result<void>> compare_held(lane_ptr by);
  awaitable<result<void>> feed(lane_ptr by);
  awaitable<void> start_reading(lane_ptr by);
  awaitable<result<void>> publish(lane_ptr by);
  awaitable<result<void>> check_source();
  void read_block(const lane_ptr& by, std::uint64_t block, base::pooled_buffer buffer);
  void to_do(std::uint64_t block);
  void refused(std::uint64_t block, const error& why);
  void fail_with(error why);
  [[nodiscard]] v1::Put opening() const;
  [[nodiscard]] bool is_over() const noexcept { return failed_ || published_; }

  session& session_;
  put_place place_;
  const source_file& source_;
  std::string upload_id_;  // empty until the server told it
  bool renames_ = false;   // the upload was opened under another name: PUT says ours
  bool asks_kept_ = true;  // for an upload that lost its name, as this very file
  bool compared_ = false;  // the queue holds what is to be sent
  block_queue queue_;
  block_set durable_;
  unsigned lanes_wanted_ = 0;
  unsigned others_ = 0;  // streams besides the first that are alive
  task_group streams_;
  net::signal changed_;
  std::map<std::uint64_t, unsigned> refusals_;
  std::size_t reading_ = 0;  // blocks with the disk
  bool published_ = false;
  std::optional<error> failed_;
  std::uint64_t bytes_moved_ = 0;
  std::uint64_t blocks_repeated_ = 0;
};

}  // namespace sluice::client
