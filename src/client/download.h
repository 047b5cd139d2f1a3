// Fetches blocks of one file into a local one, over several connections.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/buffer_pool.h"
#include "client/blocks.h"
#include "client/partial_file.h"
#include "client/requests.h"
#include "client/shared_work.h"
#include "wire/block_head.h"

namespace sluice::client {

// Shared by the coroutine that awaits fetch() and the requests that it sends. Each block's digest
// is checked on a thread for the disk before the block is written, once, at its place. A block
// whose digest is wrong is asked for again; the third wrong one ends it.
class download final : public std::enable_shared_from_this<download>, private shared_work {
 public:
  static constexpr unsigned tries_max = 3;

  // Fetches the blocks `wanted` (ascending) of `file`, whose path is the whole path on the server,
  // into `into`, which stays open until fetch() is over.
  download(session& owner, url server, remote_entry file, const partial_file& into,
           const std::vector<run>& wanted);

  // Errors: bad_digest, changed (another file has the name by now), those of connections after the
  // retries, io, no_space, cancelled. What was fetched is in the file in every case.
  awaitable<result<void>> fetch(unsigned streams);

  [[nodiscard]] std::uint64_t bytes_moved() const noexcept { return bytes_moved_; }
  [[nodiscard]] std::uint64_t blocks_repeated() const noexcept { return blocks_repeated_; }

 private:
  friend class piece;
  awaitable<void> serve(std::shared_ptr<connection> by) override;
  void ask(connection& by);
  void arrived(std::uint64_t block, const base::digest128& digest, base::pooled_buffer buffer);
  void landed(std::uint64_t block, const result<bool>& written);
  void wrong(std::uint64_t block);
  [[nodiscard]] bool is_over() const noexcept override { return failed() || landed_ == wanted_; }
  [[nodiscard]] bool is_idle() const noexcept override { return queue_.empty(); }
  [[nodiscard]] std::uint64_t done_so_far() const noexcept override { return landed_; }

  const remote_entry file_;
  const partial_file& into_;
  block_queue queue_;
  std::uint64_t wanted_ = 0;  // blocks
  std::uint64_t landed_ = 0;  // of them, in the file
  std::uint64_t piece_blocks_ = 1;
  std::size_t writing_ = 0;                  // blocks on their way to the disk
  std::map<std::uint64_t, unsigned> wrong_;  // how often a block's digest was wrong
  std::uint64_t bytes_moved_ = 0;
  std::uint64_t blocks_repeated_ = 0;
};

}  // namespace sluice::client
