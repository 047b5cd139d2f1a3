// Downloads one file.
#pragma once

#include <cstdint>
#include <string>

#include "client/client.h"
#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

// What was done about one file.
struct file_outcome {
  bool unchanged = false;  // it was there already, and identical
  std::uint64_t bytes_moved = 0;
  std::uint64_t blocks_repeated = 0;
  std::string renamed_to{};  // the name that it got on the server, where that is another one
};

// How many connections a file of this size is worth. Measured: two help one big file where there
// are two cores, more do not.
[[nodiscard]] unsigned streams_for(std::uint64_t size_bytes, unsigned asked) noexcept;

// Downloads `file` (its path is the whole path on the server) to `name` in `folder_fd`, which stays
// open. `name` has been checked by the caller. The final name shows whole, checked content or
// nothing; what an interrupted call left is compared by digest and gone on with.
awaitable<result<file_outcome>> get_file(session& owner, url server, remote_entry file,
                                         int folder_fd, std::string name, get_options options);

// Writes `file` to the descriptor in order, each block after its digest was checked.
awaitable<result<file_outcome>> get_to_output(session& owner, url server, remote_entry file,
                                              int fd);

}  // namespace sluice::client
