#include "http/tus_steps.h"

#include <ctime>

#include "base/log.h"
#include "http/syntax.h"
#include "http/time.h"

namespace sluice::http {
namespace {

constexpr status checksum_mismatch{460};

bool announces_checksum(std::string_view trailer) {
  while (const auto name = take_element(trailer)) {
    if (equals_ignoring_case(*name, "Upload-Checksum")) return true;
  }
  return false;
}

problem unknown_checksum(std::string_view text) {
  return {status::bad_request, "read Upload-Checksum \"" + std::string(text) +
                                   "\": it is malformed, or its algorithm is none of " +
                                   std::string(tus_checksum_algorithms)};
}

// Of the trailer it is not known before its end which algorithm it is.
content_digests digests_for(const tus_check& check) {
  content_digests all;
  std::string_view names = tus_checksum_algorithms;
  while (const auto name = take_element(names)) {
    if (!check.in_trailer && *name != check.checksum->algorithm) continue;
    if (auto made = content_digest::of(*name)) all.push_back(std::move(*made));
  }
  return all;
}

std::optional<problem> judge(const exchange& now, const tus_check& asked, content_digests& seen) {
  auto check = asked;
  if (check.in_trailer) {
    const auto& trailers = now.trailers();
    const auto found = trailers.find("Upload-Checksum");
    const std::string text = found == trailers.end() ? "" : std::string(found->value());
    check.checksum = parse_tus_checksum(text);
    if (!check.checksum) return unknown_checksum(text);
  }
  for (auto& digest : seen) {
    if (digest.algorithm() != check.checksum->algorithm) continue;
    if (digest.finish() == check.checksum->value) return std::nullopt;
    return problem(checksum_mismatch, "the bytes of the request are not those of its " +
                                          check.checksum->algorithm +
                                          "; nothing of it was kept: send it again");
  }
  return unknown_checksum(check.checksum->algorithm);
}

problem problem_of(const error& why) {
  if (why.code != errc::invalid_argument) return to_problem(why);
  return {status::payload_too_large, why.message()};
}

}  // namespace

response tus_response(status code) {
  response made(code);
  made.add("Tus-Resumable", tus_version);
  return made;
}

response tus_refusal(const problem& why) {
  response made(why);
  made.add("Tus-Resumable", tus_version).add("Cache-Control", "no-store");
  return made;
}

awaitable<result<void>> tus_refuse(exchange& now, const problem& why) {
  const auto answer = tus_refusal(why);
  co_return co_await now.send(answer);
}

awaitable<result<void>> tus_refuse(exchange& now, const error& why) {
  const auto answer = tus_refusal(to_problem(why));
  co_return co_await now.send(answer);
}

std::string tus_expiry(const service& shared, std::int64_t idle_s) {
  return http_date(std::time(nullptr) + shared.uploads.time_left(idle_s).count());
}

bool tus_has_content_type(const request& asked) {
  const std::string type = asked.field("Content-Type");
  const auto essence = trim(std::string_view(type).substr(0, type.find(';')));
  return equals_ignoring_case(essence, "application/offset+octet-stream");
}

bool tus_has_body(const request& asked) { return asked.has_body && asked.content_length != 0U; }

std::expected<tus_check, problem> tus_read_check(const request& asked) {
  tus_check check;
  check.in_trailer = announces_checksum(asked.field("Trailer"));
  if (!asked.has("Upload-Checksum")) return check;
  const std::string text = asked.field("Upload-Checksum");
  check.checksum = parse_tus_checksum(text);
  if (!check.checksum || !content_digest::of(check.checksum->algorithm)) {
    return std::unexpected(unknown_checksum(text));
  }
  check.in_trailer = false;
  return check;
}

awaitable<result<void>> tus_receive(exchange& now, service& shared,
                                    const std::shared_ptr<transfer::serial_writer>& writer,
                                    const tus_check& check, std::optional<problem>& refusal) {
  body_watch watch;
  if (check.is_asked()) {
    watch.digests = digests_for(check);
    writer->hold_back();
  }
  result<void> stored;
  const auto received = co_await receive_body(now, shared, *writer, watch, stored);
  if (!received) co_return received;
  if (!stored) {
    refusal = problem_of(stored.error());
    co_return result<void>{};
  }
  if (!check.is_asked()) co_return result<void>{};
  refusal = judge(now, check, watch.digests);
  if (refusal) co_return result<void>{};
  const auto kept = co_await net::on_pool(shared.pool, [&writer] { return writer->keep(); });
  if (!kept) refusal = problem_of(kept.error());
  co_return result<void>{};
}

namespace {

// Whether the whole can be made is the business of whoever asks for the whole.
awaitable<void> join_if_last(const exchange& now, service& shared, const std::string& part) {
  const auto joined = co_await net::on_pool(shared.pool, [&shared, &now, &part]() -> result<void> {
    const auto row = shared.uploads.facts(part, now.caller());
    if (!row) return std::unexpected(row.error());
    if (row->part_of.empty()) return {};
    auto whole = shared.uploads.join_parts(row->part_of, now.caller());
    return whole ? result<void>() : std::unexpected(whole.error());
  });
  if (!joined) base::log_info("join the parts of an upload: {}", joined.error().message());
}

}  // namespace

awaitable<result<tus_progress>> tus_settle(exchange& now, service& shared,
                                           const std::shared_ptr<transfer::serial_writer>& writer) {
  auto& home = writer->home();
  const bool is_whole = home.size_bytes() == writer->offset();
  const bool is_part = home.form() == catalog::upload_form::part;
  if (is_whole && !is_part) {
    const auto whole = home.shared_from_this();
    const auto file = co_await publish(shared, whole, writer->by());
    if (!file) co_return std::unexpected(file.error());
    co_return tus_progress{file->size_bytes, true};
  }
  const auto durable = co_await make_durable(writer);
  if (!durable) co_return std::unexpected(durable.error());
  writer->give_up();  // a part that is joined is thrown away
  if (is_whole) co_await join_if_last(now, shared, home.id());
  co_return tus_progress{*durable, false};
}

awaitable<result<catalog::upload_row>> tus_facts(exchange& now, service& shared) {
  const auto id = tus_upload_id(now.asked().path);
  using found = result<catalog::upload_row>;
  if (!id) co_return found(fail(errc::not_found, "find the upload " + now.asked().path));
  co_return co_await net::on_pool(shared.pool, [&shared, &now, &id]() -> found {
    auto row = shared.uploads.facts(*id, now.caller());
    if (row && !upload_note::read(row->note, tus_protocol)) {
      return fail(errc::not_found, "find tus upload " + *id);
    }
    return row;
  });
}

}  // namespace sluice::http
