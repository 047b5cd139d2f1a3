// The way of a request's body into an upload that is written from its beginning: what tus and the
// resumable uploads of HTTP have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/exchange.h"
#include "http/resumable_digest.h"
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
awaitable<result<void>> receive_body(exchange& now, service& shared, transfer::serial_writer& to,
                                     body_watch& watch, result<void>& stored);

// The rest runs on the pool. Errors as of the functions of the transfer room.
awaitable<result<std::shared_ptr<transfer::serial_writer>>> take_over(
    exchange& now, service& shared, const std::shared_ptr<transfer::upload>& of);
awaitable<result<std::uint64_t>> make_durable(const std::shared_ptr<transfer::serial_writer>& of);
awaitable<result<store::entry>> publish(service& shared,
                                        const std::shared_ptr<transfer::upload>& of);

// Ids are 32 lower-case hexadecimal digits.
[[nodiscard]] bool is_upload_id(std::string_view text) noexcept;

// What a protocol keeps with its upload: a name of the protocol, then fields, each by its name.
class upload_note {
 public:
  explicit upload_note(std::string_view protocol) : text_(protocol) {}
  // nullopt: of another protocol.
  [[nodiscard]] static std::optional<upload_note> read(const std::string& text,
                                                       std::string_view protocol);
  void add(std::string_view name, std::string_view value);           // without line breaks
  [[nodiscard]] std::string_view find(std::string_view name) const;  // "" where it is not
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace sluice::http
