// The steps that the requests of tus share. Internal to its files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/exchange.h"
#include "http/problem.h"
#include "http/response.h"
#include "http/resumable_body.h"
#include "http/service.h"
#include "http/tus_fields.h"

namespace sluice::http {

// Every response but that of OPTIONS names the version.
[[nodiscard]] response tus_response(status code);
[[nodiscard]] response tus_refusal(const problem& why);
// The argument has a name where it is awaited, see problem.h.
awaitable<result<void>> tus_refuse(exchange& now, const problem& why);
awaitable<result<void>> tus_refuse(exchange& now, const error& why);

// When an upload that was idle for so long goes, as Upload-Expires tells it.
[[nodiscard]] std::string tus_expiry(const service& shared, std::int64_t idle_s);

// The content type that every body of an upload has.
[[nodiscard]] bool tus_has_content_type(const request& asked);
[[nodiscard]] bool tus_has_body(const request& asked);

// What the body is held against: Upload-Checksum in the head, or announced for the trailer.
struct tus_check {
  std::optional<tus_checksum> checksum{};
  bool in_trailer = false;

  [[nodiscard]] bool is_asked() const noexcept { return checksum || in_trailer; }
};
[[nodiscard]] std::expected<tus_check, problem> tus_read_check(const request& asked);

// Takes the body into the upload. Without a refusal all of it counts; with one of the checksum,
// nothing of it. The result is what the connection said.
awaitable<result<void>> tus_receive(exchange& now, service& shared,
                                    const std::shared_ptr<transfer::serial_writer>& writer,
                                    const tus_check& check, std::optional<problem>& refusal);

// Makes durable what arrived, and publishes an upload that is whole; `offset` is told then.
struct tus_progress {
  std::uint64_t offset = 0;
  bool is_done = false;  // it does not expire any more
};
awaitable<result<tus_progress>> tus_settle(exchange& now, service& shared,
                                           const std::shared_ptr<transfer::serial_writer>& writer);

awaitable<result<void>> tus_create(exchange& now, service& shared);
awaitable<result<void>> tus_append(exchange& now, service& shared);
awaitable<result<void>> tus_look(exchange& now, service& shared);

// What is on record about the upload that the request names; not_found also of one that another
// protocol made.
awaitable<result<catalog::upload_row>> tus_facts(exchange& now, service& shared);

inline constexpr std::string_view tus_protocol = "tus";

}  // namespace sluice::http
