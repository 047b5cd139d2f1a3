// The way of a request's body into an upload: what tus, the resumable uploads of HTTP and runs of
// blocks have in common.
#pragma once

#include <cstdint>
#include <memory>

#include "http/exchange.h"
#include "http/resumable_digest.h"
#include "http/resumable_note.h"
#include "http/service.h"
#include "transfer/serial_upload.h"

namespace sluice::http {

// Who wants to hear how far an upload is durable while its body comes.
class progress_listener {
 public:
  virtual ~progress_listener() = default;
  // Errors as of exchange::send_interim.
  virtual awaitable<result<void>> tell(std::uint64_t durable_bytes) = 0;
};

struct body_watch {
  content_digests digests{};              // brought up to date with all that is written
  progress_listener* progress = nullptr;  // may be none
};

// Receives the body and appends it, receiving while the piece before is written; no buffer is held
// while the peer is slow. What arrived before a failure is in the upload. The result is what the
// connection said, `stored` what the disk did: then the rest of the body is unread. The arguments
// are the awaiter's.
awaitable<result<void>> receive_body(exchange& now, service& shared, transfer::byte_writer& to,
                                     body_watch& watch, result<void>& stored);

// The rest runs on the pool. Errors as of the functions of the transfer room.
awaitable<result<std::shared_ptr<transfer::serial_writer>>> take_over(
    exchange& now, service& shared, const transfer::opened_upload& of);
awaitable<result<std::uint64_t>> make_durable(const std::shared_ptr<transfer::serial_writer>& of);
awaitable<result<store::entry>> publish(service& shared,
                                        const std::shared_ptr<transfer::upload>& of,
                                        const transfer::upload::allowed& by);

}  // namespace sluice::http
