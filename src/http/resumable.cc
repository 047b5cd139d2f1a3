#include "http/resumable.h"

#include <ctime>

#include "http/resumable_steps.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

constexpr std::string_view partial_upload = "application/partial-upload";

// Fits what the fields of structured numbers can say.
std::string boolean(bool value) { return value ? "?1" : "?0"; }

bool has_content_type(const request& asked) {
  const std::string type = asked.field("Content-Type");
  return equals_ignoring_case(trim(std::string_view(type).substr(0, type.find(';'))),
                              partial_upload);
}

std::string note_of(const request& asked) {
  upload_note note(resumable_protocol);
  for (const auto* name : {"Repr-Digest", "Want-Repr-Digest"}) {
    if (asked.has(name)) note.add(name, asked.field(name));
  }
  return note.text();
}

using upload_wanted = std::expected<transfer::upload_request, problem>;

upload_wanted read_wanted(const exchange& now, const incoming& what) {
  const request& asked = now.asked();
  auto to = now.permit<base::right::give>(asked.below(resumable_root));
  if (!to) return std::unexpected(to_problem(to.error()));
  auto path = transfer::allowed_place<base::right::give>::of(std::move(*to));
  if (!path) return std::unexpected(to_problem(path.error()));
  auto length = announced_length(what.fields, asked, 0);
  if (!length) return std::unexpected(length.error());
  if (*length && asked.content_length.value_or(0) > **length) {
    return std::unexpected(inconsistent_length("the content is longer than Upload-Length"));
  }
  transfer::upload_request wanted(std::move(*path));
  wanted.form = catalog::upload_form::serial;
  wanted.size_bytes = *length;
  // Without the fields of the draft it is a request as any other.
  if (!wanted.size_bytes && what.completes) wanted.size_bytes = asked.content_length;
  wanted.mtime_ns = std::time(nullptr) * 1'000'000'000;
  wanted.make_parents = true;
  wanted.note = note_of(asked);
  return wanted;
}

awaitable<result<void>> announce(exchange& now, const service& shared, const incoming& what) {
  response interim(status{104});
  interim.add("Upload-Draft-Interop-Version", std::to_string(resumable_interop_version))
      .add("Location", what.url)
      .add("Upload-Limit", resumable_limit(shared, 0));
  co_return co_await now.send_interim(interim);
}

// What nobody can find again is of no use.
awaitable<void> drop_unknown(const exchange& now, service& shared, const std::string& id) {
  (void)co_await net::on_pool(
      shared.pool, [&shared, &now, &id] { return shared.uploads.remove(id, now.caller()); });
}

awaitable<result<void>> receive_new(exchange& now, service& shared,
                                    const transfer::opened_upload& made, const incoming& what) {
  const bool is_known = what.fields.complete && what.fields.is_our_version;
  if (is_known) {
    const auto told = co_await announce(now, shared, what);
    if (!told) co_return told;
  }
  const auto writer = co_await take_over(now, shared, made);
  if (!writer) co_return co_await resumable_refuse(now, writer.error());
  const auto received = co_await resumable_receive(now, shared, *writer, what);
  if (what.completes && !is_known && !made.upload->done()) {
    const std::string id = made.upload->id();
    co_await drop_unknown(now, shared, id);
  }
  co_return received;
}

// Before a byte is read. A problem, or none.
std::optional<problem> check_start(const request& asked, transfer::serial_writer& writer,
                                   const incoming& what) {
  const auto there = writer.offset();
  if (there != *what.fields.offset) return mismatching_offset(there, *what.fields.offset);
  const auto length = announced_length(what.fields, asked, there);
  if (!length) return length.error();
  const auto known = writer.home().size_bytes();
  if (*length && known && *known != **length) {
    return inconsistent_length("the upload was announced with " + std::to_string(*known) +
                               " bytes, and now with " + std::to_string(**length));
  }
  const auto size = known ? known : *length;
  if (size && (*size < there || asked.content_length.value_or(0) > *size - there)) {
    return inconsistent_length("the content goes beyond the " + std::to_string(*size) +
                               " bytes of the upload");
  }
  if (!*length || known) return std::nullopt;
  const auto declared = writer.declare_size(**length);
  return declared ? std::nullopt : std::optional(to_problem(declared.error()));
}

std::optional<problem> read_append(const request& asked, const std::string& note, incoming& into) {
  into.fields = read_resumable_fields(asked);
  into.completes = into.fields.complete == true;
  if (!has_content_type(asked)) {
    return problem(status::unsupported_media_type,
                   "append to an upload: the content has to be " + std::string(partial_upload));
  }
  if (!into.fields.offset || !into.fields.complete) {
    return problem(status::bad_request,
                   "append to an upload: Upload-Offset and Upload-Complete have to be there");
  }
  return read_digests(asked, note, into);
}

awaitable<result<void>> refuse_completed(exchange& now) {
  const bool is_empty = !now.asked().has_body || now.asked().content_length == 0U;
  const auto why =
      is_empty ? completed_upload() : inconsistent_length("append to an upload that is complete");
  co_return co_await resumable_refuse(now, why);
}

awaitable<result<void>> refuse_start(exchange& now, const transfer::serial_writer& writer,
                                     const problem& why) {
  response answer(why);
  if (why.code == status::conflict) answer.add("Upload-Offset", std::to_string(writer.offset()));
  co_return co_await now.send(answer);
}

awaitable<result<void>> append_to(exchange& now, service& shared,
                                  const transfer::opened_upload& upload, const incoming& what) {
  const auto writer = co_await take_over(now, shared, upload);
  if (!writer) co_return co_await resumable_refuse(now, writer.error());
  const auto refusal = co_await net::on_pool(
      shared.pool, [&now, &writer, &what] { return check_start(now.asked(), **writer, what); });
  if (refusal) co_return co_await refuse_start(now, **writer, *refusal);
  co_return co_await resumable_receive(now, shared, *writer, what);
}

// How far it is; takes it over from whoever writes, so that the offset holds.
awaitable<result<std::uint64_t>> offset_of(exchange& now, service& shared,
                                           const transfer::opened_upload& upload) {
  const auto writer = co_await take_over(now, shared, upload);
  if (!writer) co_return std::unexpected(writer.error());
  co_return (*writer)->offset();
}

awaitable<result<void>> tell_state(exchange& now, const service& shared, std::uint64_t offset,
                                   std::optional<std::uint64_t> length, bool complete,
                                   std::int64_t idle_s) {
  response answer(status::no_content);
  answer.add("Upload-Offset", std::to_string(offset))
      .add("Upload-Complete", boolean(complete))
      .add("Upload-Limit", resumable_limit(shared, idle_s))
      .add("Cache-Control", "no-store");
  if (length) answer.add("Upload-Length", std::to_string(*length));
  co_return co_await now.send(answer);
}

}  // namespace

awaitable<result<void>> resumable_options(exchange& now, service& shared) {
  response answer(status::no_content);
  answer.add("Accept-Patch", partial_upload)
      .add("Upload-Limit", resumable_limit(shared, 0))
      .add("Allow", "OPTIONS, POST, PUT, HEAD, PATCH, DELETE");
  co_return co_await now.send(answer);
}

awaitable<result<void>> resumable_create(exchange& now, service& shared) {
  incoming what;
  what.fields = read_resumable_fields(now.asked());
  what.completes = what.fields.complete.value_or(true);
  what.creates = true;
  const auto wanted = read_wanted(now, what);
  if (!wanted) co_return co_await resumable_refuse(now, wanted.error());
  const auto malformed = read_digests(now.asked(), wanted->note, what);
  if (malformed) co_return co_await resumable_refuse(now, *malformed);
  const auto opened = co_await net::on_pool(
      shared.pool, [&shared, &wanted] { return shared.uploads.open(*wanted); });
  if (!opened) co_return co_await resumable_refuse(now, opened.error());
  what.url = std::string(resumable_root) + opened->upload->id();
  co_return co_await receive_new(now, shared, *opened, what);
}

awaitable<result<void>> resumable_append(exchange& now, service& shared) {
  const auto row = co_await resumable_facts(now, shared);
  if (!row) co_return co_await resumable_refuse(now, row.error());
  incoming what;
  const auto malformed = read_append(now.asked(), row->note, what);
  if (malformed) co_return co_await resumable_refuse(now, *malformed);
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &now, &row] { return shared.uploads.join(row->id, now.caller()); });
  if (!joined) co_return co_await resumable_refuse(now, joined.error());
  if (joined->done) co_return co_await refuse_completed(now);
  co_return co_await append_to(now, shared, *joined, what);
}

awaitable<result<void>> resumable_look(exchange& now, service& shared) {
  const auto row = co_await resumable_facts(now, shared);
  if (!row) co_return co_await resumable_refuse(now, row.error());
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &now, &row] { return shared.uploads.join(row->id, now.caller()); });
  if (!joined) co_return co_await resumable_refuse(now, joined.error());
  if (joined->done) {
    const auto size = joined->done->size_bytes;
    co_return co_await tell_state(now, shared, size, size, true, row->idle_s);
  }
  const auto offset = co_await offset_of(now, shared, *joined);
  if (!offset) co_return co_await resumable_refuse(now, offset.error());
  co_return co_await tell_state(now, shared, *offset, joined->upload->size_bytes(), false,
                                row->idle_s);
}

awaitable<result<void>> resumable_cancel(exchange& now, service& shared) {
  const auto row = co_await resumable_facts(now, shared);
  if (!row) co_return co_await resumable_refuse(now, row.error());
  const auto removed = co_await net::on_pool(
      shared.pool, [&shared, &now, &row] { return shared.uploads.remove(row->id, now.caller()); });
  if (!removed) co_return co_await resumable_refuse(now, removed.error());
  const response answer(status::no_content);
  co_return co_await now.send(answer);
}

}  // namespace sluice::http
