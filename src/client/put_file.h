// Uploads one file, or standard input.
#pragma once

#include <optional>
#include <string>

#include "client/client.h"
#include "client/get_file.h"
#include "client/local_file.h"
#include "client/requests.h"
#include "client/session.h"

namespace sluice::client {

// Uploads `source` to `path` on `server`. `there` is what stands under the path now, as far as the
// caller knows; an identical file is left alone, a different one is `exists` or, with `overwrite`,
// replaced, or with `rename` left alone: `source` gets the first name like it that is free, or
// that holds it already. After `exists` the server keeps what was sent, see upload.h. `source`
// stays the caller's until this is over.
awaitable<result<file_outcome>> put_file(session& owner, url server, std::string path,
                                         const source_file& source,
                                         std::optional<remote_entry> there, put_options options);

// Uploads what comes from the descriptor until its end. What the server did not tell durable is
// kept in memory, 16 MiB at the most, and sent again when the connection is lost.
awaitable<result<file_outcome>> put_from_input(session& owner, url server, std::string path, int fd,
                                               std::optional<remote_entry> there,
                                               put_options options);

// Counts, and says, that a file went under another name than `path`.
void note_renamed(session& owner, const std::string& path, const file_outcome& outcome,
                  summary& done);

// Sends a file of at most one block in one step and waits until it is published.
awaitable<result<file_outcome>> put_whole(std::shared_ptr<connection> by, v1::Put message,
                                          const source_file& source);

}  // namespace sluice::client
