// What digests the server tells (DIGESTS), and comparing them with those of a file here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "client/blocks.h"
#include "client/connection.h"
#include "client/requests.h"

namespace sluice::client {

// Whose digests are asked for.
struct digest_question {
  std::string path;  // exactly one of these two
  std::string upload_id;
  bool reads_content = false;    // the server reads what is stored anew
  std::uint64_t size_bytes = 0;  // of the file
};

// The server's digests of one row of blocks. A row is short, so that memory stays bounded by what
// is asked for.
class digest_reply : public request {
 public:
  // Blocks of one question at most: 1 GiB of content.
  static constexpr std::uint64_t blocks_max = 1'024;

  digest_reply(const executor& where, run blocks);
  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override;
  void on_failed(const error& why, bool lost) override;
  // Waits for the end of the reply.
  awaitable<result<void>> over();

  [[nodiscard]] run blocks() const noexcept { return blocks_; }
  // Absent where the server told none.
  [[nodiscard]] const std::optional<base::digest128>& digest(std::uint64_t block) const {
    return digests_[block - blocks_.first];
  }
  [[nodiscard]] const std::optional<base::digest128>& recorded(std::uint64_t block) const {
    return recorded_[block - blocks_.first];
  }
  [[nodiscard]] const std::optional<remote_entry>& entry() const noexcept { return entry_; }

 private:
  run blocks_;
  net::signal over_;
  std::optional<result<void>> outcome_;
  std::vector<std::optional<base::digest128>> digests_;
  std::vector<std::optional<base::digest128>> recorded_;
  std::optional<remote_entry> entry_;
};

// All of a small file.
inline constexpr run one_block{.first = 0, .count = 1};

// Sends DIGESTS for `blocks` (at most digest_reply::blocks_max).
std::shared_ptr<digest_reply> ask_digests(connection& of, const digest_question& what, run blocks);

// Where two files differ.
struct comparison {
  std::vector<run> different;  // ascending; blocks that the server told no digest of among them
  std::uint64_t equal_bytes = 0;
};

// How the local side is read.
struct compare_options {
  bool holes_differ = false;    // unwritten parts are no zeros but missing: a partial file
  bool counts_progress = true;  // equal bytes are told to the meter as done
};

// Compares the file `fd` with what the server tells, block by block, the next questions on their
// way while the disk is read. Blocks beyond the end of `fd` differ. The caller keeps `fd` open.
// Errors: those of the request and the connection; io; cancelled.
awaitable<result<comparison>> compare(std::shared_ptr<connection> with, digest_question what,
                                      int fd, compare_options options);

// The same over connections of the session, with a new one where one is lost.
awaitable<result<comparison>> compare(session& owner, url server, digest_question what, int fd,
                                      compare_options options);

}  // namespace sluice::client
