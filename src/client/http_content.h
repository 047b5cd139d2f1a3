// The content of one file over HTTP: fetched in order, gone on with after a lost connection.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "client/requests.h"
#include "client/session.h"
#include "client/sha256.h"

namespace sluice::client {

// Takes the bytes at `offset`; on a thread for the disk.
using content_sink =
    std::function<result<void>(std::uint64_t offset, std::span<const std::byte> bytes)>;

// Owned by one coroutine, with all that it was made with outliving it.
class http_content {
 public:
  // `file.identity` is its entity tag: other content is refused as `changed`.
  http_content(session& owner, const url& server, const remote_entry& file)
      : session_(owner), server_(server), file_(file) {}

  // From `offset` to the end, in pieces of a block; `digest` knows all before it, and all of it
  // then. Errors: changed; those of the sink, of requests and connections.
  awaitable<result<void>> fetch(std::uint64_t offset, sha256_stream& digest,
                                const content_sink& into);

  // What the server says that the content is: read there anew where it does not know, which takes
  // its time. None: it does not say.
  awaitable<result<std::optional<sha256_value>>> told_digest();

  [[nodiscard]] std::uint64_t bytes_moved() const noexcept { return bytes_moved_; }

 private:
  awaitable<result<void>> fetch_once(std::uint64_t& offset, sha256_stream& digest,
                                     const content_sink& into);

  session& session_;
  const url& server_;
  const remote_entry& file_;
  std::uint64_t bytes_moved_ = 0;
};

// Writes `file` to the descriptor in order. It is held against the server's digest at the end.
awaitable<result<std::uint64_t>> http_to_output(session& owner, const url& server,
                                                const remote_entry& file, int fd);

}  // namespace sluice::client
