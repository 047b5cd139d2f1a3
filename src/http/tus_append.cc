// PATCH: the next bytes of an upload. HEAD: how far it is.
#include "http/syntax.h"
#include "http/tus_steps.h"

namespace sluice::http {
namespace {

struct appending {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length{};  // told by this request
  tus_check check{};
};

std::unexpected<problem> refuse(status code, std::string why) {
  return std::unexpected(problem(code, "append to an upload: " + std::move(why)));
}

std::expected<appending, problem> read_appending(const request& asked) {
  if (!tus_has_content_type(asked)) {
    return refuse(status::unsupported_media_type,
                  "its content has to be application/offset+octet-stream");
  }
  appending read;
  const auto offset = parse_number(asked.field("Upload-Offset"));
  if (!offset) return refuse(status::bad_request, "Upload-Offset is missing, or no number");
  read.offset = *offset;
  if (asked.has("Upload-Length")) {
    read.length = parse_number(asked.field("Upload-Length"));
    if (!read.length) return refuse(status::bad_request, "Upload-Length is no number");
  }
  auto check = tus_read_check(asked);
  if (!check) return std::unexpected(check.error());
  read.check = std::move(*check);
  return read;
}

problem wrong_offset(std::uint64_t there, std::uint64_t told) {
  return {status::conflict, "append at byte " + std::to_string(told) + " of an upload that has " +
                                std::to_string(there) + ": ask for its offset (HEAD), go on there"};
}

problem too_much(std::uint64_t size_bytes) {
  return {status::payload_too_large, "append more than the " + std::to_string(size_bytes) +
                                         " bytes that the upload was announced with"};
}

response acknowledged(std::uint64_t offset) {
  auto answer = tus_response(status::no_content);
  answer.add("Upload-Offset", std::to_string(offset));
  return answer;
}

// A last PATCH that is sent again, since its answer was lost.
awaitable<result<void>> append_to_done(exchange& now, const store::entry& done,
                                       const appending& wanted) {
  if (wanted.offset != done.size_bytes) {
    const auto why = wrong_offset(done.size_bytes, wanted.offset);
    co_return co_await tus_refuse(now, why);
  }
  if (tus_has_body(now.asked())) {
    const auto why = too_much(done.size_bytes);
    co_return co_await tus_refuse(now, why);
  }
  const auto answer = acknowledged(done.size_bytes);
  co_return co_await now.send(answer);
}

// Before a byte is read. A problem, or none.
std::optional<problem> check_start(const exchange& now, transfer::serial_writer& writer,
                                   const appending& wanted) {
  if (writer.offset() != wanted.offset) return wrong_offset(writer.offset(), wanted.offset);
  if (wanted.length) {
    const auto declared = writer.declare_size(*wanted.length);
    if (!declared) return to_problem(declared.error());
  }
  const auto size = writer.home().size_bytes();
  if (size && now.asked().content_length.value_or(0) > *size - wanted.offset) {
    return too_much(*size);
  }
  return std::nullopt;
}

awaitable<result<void>> append_to(exchange& now, service& shared,
                                  const transfer::opened_upload& upload, const appending& wanted) {
  const auto writer = co_await take_over(now, shared, upload);
  if (!writer) co_return co_await tus_refuse(now, writer.error());
  auto refusal = co_await net::on_pool(
      shared.pool, [&now, &writer, &wanted] { return check_start(now, **writer, wanted); });
  if (refusal) co_return co_await tus_refuse(now, *refusal);
  const auto received = co_await tus_receive(now, shared, *writer, wanted.check, refusal);
  if (!received) co_return received;
  if (refusal) co_return co_await tus_refuse(now, *refusal);
  const auto progress = co_await tus_settle(now, shared, *writer);
  if (!progress) co_return co_await tus_refuse(now, progress.error());
  auto answer = acknowledged(progress->offset);
  if (!progress->is_done) answer.add("Upload-Expires", tus_expiry(shared, 0));
  co_return co_await now.send(answer);
}

}  // namespace

awaitable<result<void>> tus_append(exchange& now, service& shared) {
  auto wanted = read_appending(now.asked());
  if (!wanted) co_return co_await tus_refuse(now, wanted.error());
  const auto row = co_await tus_facts(now, shared);
  if (!row) co_return co_await tus_refuse(now, row.error());
  if (row->form == catalog::upload_form::joined) {
    const problem why(status::forbidden, "append to an upload that is made of others");
    co_return co_await tus_refuse(now, why);
  }
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &now, &row] { return shared.uploads.join(row->id, now.caller()); });
  if (!joined) co_return co_await tus_refuse(now, joined.error());
  if (joined->done) co_return co_await append_to_done(now, *joined->done, *wanted);
  co_return co_await append_to(now, shared, *joined, *wanted);
}

namespace {

// How far an upload is, with whatever it took to know that.
struct offset_found {
  std::optional<std::uint64_t> offset{};
  std::optional<std::uint64_t> size_bytes{};
  bool is_done = false;
};

// Of a final upload whose parts all have a length: their sum.
std::optional<std::uint64_t> sum_of_parts(service& shared, const base::caller_ptr& who,
                                          const std::string& id) {
  const auto parts = shared.uploads.parts(id, who);
  if (!parts) return std::nullopt;
  std::uint64_t sum = 0;
  for (const auto& part : *parts) {
    if (!part.size_bytes || *part.size_bytes > base::file_bytes_max - sum) return std::nullopt;
    sum += *part.size_bytes;
  }
  return sum;
}

result<offset_found> look_at_joined(service& shared, const base::caller_ptr& who,
                                    const std::string& id) {
  auto done = shared.uploads.join_parts(id, who);
  if (!done) return std::unexpected(done.error());
  if (*done) return offset_found{(*done)->size_bytes, (*done)->size_bytes, true};
  return offset_found{std::nullopt, sum_of_parts(shared, who, id), false};
}

// An upload that is whole and has no name yet gets it here: its last request was cut off.
awaitable<result<offset_found>> look_at_open(exchange& now, service& shared,
                                             const transfer::opened_upload& opened) {
  const auto writer = co_await take_over(now, shared, opened);
  if (!writer) co_return std::unexpected(writer.error());
  const auto& upload = opened.upload;
  const auto size = upload->size_bytes();
  const bool is_part = upload->form() == catalog::upload_form::part;
  if (is_part || size != (*writer)->offset()) {
    co_return offset_found{(*writer)->offset(), size, false};
  }
  const auto progress = co_await tus_settle(now, shared, *writer);
  if (!progress) co_return std::unexpected(progress.error());
  co_return offset_found{progress->offset, size, true};
}

awaitable<result<offset_found>> look(exchange& now, service& shared,
                                     const catalog::upload_row& row) {
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &now, &row] { return shared.uploads.join(row.id, now.caller()); });
  if (!joined) co_return std::unexpected(joined.error());
  if (joined->done) {
    co_return offset_found{joined->done->size_bytes, joined->done->size_bytes, true};
  }
  if (row.form == catalog::upload_form::joined) {
    co_return co_await net::on_pool(shared.pool, [&shared, &now, &row] {
      return look_at_joined(shared, now.caller(), row.id);
    });
  }
  co_return co_await look_at_open(now, shared, *joined);
}

}  // namespace

awaitable<result<void>> tus_look(exchange& now, service& shared) {
  const auto row = co_await tus_facts(now, shared);
  if (!row) co_return co_await tus_refuse(now, row.error());
  const auto found = co_await look(now, shared, *row);
  if (!found) co_return co_await tus_refuse(now, found.error());
  auto answer = tus_response(status::ok);
  answer.add("Cache-Control", "no-store");
  if (found->offset) answer.add("Upload-Offset", std::to_string(*found->offset));
  if (found->size_bytes) answer.add("Upload-Length", std::to_string(*found->size_bytes));
  const bool is_deferred = !found->size_bytes && row->form != catalog::upload_form::joined;
  if (is_deferred) answer.add("Upload-Defer-Length", "1");
  const auto note = upload_note::read(row->note, tus_protocol);
  for (const auto* name : {"Upload-Metadata", "Upload-Concat"}) {
    if (const auto value = note->find(name); !value.empty()) answer.add(name, value);
  }
  if (!found->is_done) answer.add("Upload-Expires", tus_expiry(shared, row->idle_s));
  co_return co_await now.send(answer);
}

}  // namespace sluice::http
