// The steps that the requests of resumable uploads share. Internal to its files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/exchange.h"
#include "http/response.h"
#include "http/resumable_body.h"
#include "http/resumable_fields.h"
#include "http/service.h"

namespace sluice::http {

inline constexpr std::string_view resumable_protocol = "draft";

awaitable<result<void>> resumable_refuse(exchange& now, const problem& why);
awaitable<result<void>> resumable_refuse(exchange& now, const error& why);

// The value of Upload-Limit for an upload that was idle for so long.
[[nodiscard]] std::string resumable_limit(const service& shared, std::int64_t idle_s);

// What is on record about the upload resource that the request names; not_found also of an upload
// that another protocol made.
awaitable<result<catalog::upload_row>> resumable_facts(exchange& now, service& shared);

// A request that brings content for an upload.
struct incoming {
  resumable_fields fields{};
  bool completes = false;  // its content is the rest of the representation
  bool creates = false;
  std::vector<field_digest> content{};         // Content-Digest
  std::vector<field_digest> representation{};  // Repr-Digest, of this request or the first one
  std::string wanted{};                        // the algorithm that Want-Repr-Digest likes best
  std::string url{};                           // of the upload resource
};

// The digest fields of the request, and what the upload's first request said. A problem: malformed.
[[nodiscard]] std::optional<problem> read_digests(const request& asked, const std::string& note,
                                                  incoming& into);

// Takes the content, completes the upload where that is asked, and answers.
awaitable<result<void>> resumable_receive(exchange& now, service& shared,
                                          const std::shared_ptr<transfer::serial_writer>& writer,
                                          const incoming& what);

}  // namespace sluice::http
