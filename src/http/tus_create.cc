// POST: a new upload, a part of one, or one made of parts.
#include <ctime>

#include "base/limits.h"
#include "http/syntax.h"
#include "http/tus_steps.h"

namespace sluice::http {
namespace {

using base::right;
using place = transfer::allowed_place<right::give>;

struct creation {
  store::rel_path path{};  // none of a part
  catalog::upload_form form = catalog::upload_form::serial;
  std::optional<std::uint64_t> size_bytes{};
  std::int64_t mtime_ns = 0;
  std::vector<std::string> parts{};
  tus_check check{};
  bool has_body = false;
};
using read_creation_result = std::expected<creation, problem>;

std::unexpected<problem> refuse(status code, std::string why) {
  return std::unexpected(problem(code, "create an upload: " + std::move(why)));
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// nullopt where it comes later.
std::expected<std::optional<std::uint64_t>, problem> read_length(const request& asked) {
  const std::string length = asked.field("Upload-Length");
  const std::string deferred = asked.field("Upload-Defer-Length");
  if (asked.has("Upload-Length") == asked.has("Upload-Defer-Length")) {
    return refuse(status::bad_request,
                  "either Upload-Length or Upload-Defer-Length has to be there");
  }
  if (asked.has("Upload-Defer-Length")) {
    if (deferred == "1") return std::nullopt;
    return refuse(status::bad_request, "Upload-Defer-Length can only be 1");
  }
  const auto number = parse_number(length);
  if (number) return number;
  if (!is_digits(length)) return refuse(status::bad_request, "Upload-Length is no number");
  return refuse(status::payload_too_large, "it is larger than Tus-Max-Size");
}

result<void> read_metadata(const request& asked, creation& into) {
  tus_metadata metadata;
  if (asked.has("Upload-Metadata")) {
    auto read = parse_tus_metadata(asked.field("Upload-Metadata"));
    if (!read) return fail(errc::invalid_argument, "read Upload-Metadata: it is malformed");
    metadata = std::move(*read);
  }
  into.mtime_ns = tus_mtime_ns(metadata).value_or(std::time(nullptr) * 1'000'000'000);
  if (into.form == catalog::upload_form::part) return {};
  auto path = tus_target(asked.below(tus_root), metadata);
  if (!path) return std::unexpected(path.error());
  into.path = std::move(*path);
  return {};
}

std::expected<void, problem> read_form(const request& asked, creation& into) {
  if (asked.has("Upload-Concat")) {
    auto concat = parse_tus_concat(asked.field("Upload-Concat"));
    if (!concat) return std::unexpected(to_problem(concat.error()));
    into.form = concat->is_partial ? catalog::upload_form::part : catalog::upload_form::joined;
    into.parts = std::move(concat->parts);
  }
  if (into.form == catalog::upload_form::joined) {
    if (!asked.has("Upload-Length") && !into.has_body) return {};
    return refuse(status::bad_request, "a final upload has no Upload-Length and no content");
  }
  auto length = read_length(asked);
  if (!length) return std::unexpected(length.error());
  into.size_bytes = *length;
  return {};
}

std::string note_of(const request& asked) {
  upload_note note(tus_protocol);
  for (const auto* name : {"Upload-Metadata", "Upload-Concat"}) {
    if (asked.has(name)) note.add(name, asked.field(name));
  }
  return note.text();
}

read_creation_result read_creation(const request& asked) {
  creation made;
  made.has_body = tus_has_body(asked);
  if (made.has_body && !tus_has_content_type(asked)) {
    return refuse(status::unsupported_media_type,
                  "its content has to be application/offset+octet-stream");
  }
  if (auto form = read_form(asked, made); !form) return std::unexpected(form.error());
  if (auto metadata = read_metadata(asked, made); !metadata) {
    return std::unexpected(to_problem(metadata.error()));
  }
  const auto& size = made.size_bytes;
  if (size && asked.content_length.value_or(0) > *size) {
    return refuse(status::payload_too_large, "the request brings more bytes than Upload-Length");
  }
  auto check = tus_read_check(asked);
  if (!check) return std::unexpected(check.error());
  made.check = std::move(*check);
  return made;
}

result<base::permitted<right::give>> permit(const exchange& now, const creation& what) {
  if (what.form == catalog::upload_form::part) {
    return base::permit_anywhere<right::give>(now.caller());
  }
  return now.permit<right::give>(what.path.text());
}

result<transfer::opened_upload> open(const exchange& now, service& shared, const creation& what) {
  auto asked = permit(now, what);
  if (!asked) return std::unexpected(asked.error());
  auto to = place::of(std::move(*asked));
  if (!to) return std::unexpected(to.error());
  transfer::upload_request wanted(std::move(*to));
  wanted.form = what.form;
  wanted.size_bytes = what.size_bytes;
  wanted.mtime_ns = what.mtime_ns;
  wanted.make_parents = true;
  wanted.parts = what.parts;
  wanted.note = note_of(now.asked());
  return shared.uploads.open(wanted);
}

// A part that cannot be one is the request's mistake: the URL of the request itself is there.
problem problem_of(const error& why, const creation& wanted) {
  if (!wanted.parts.empty() && why.code == errc::not_found) {
    return {status::bad_request, why.message()};
  }
  return to_problem(why);
}

response created(const service& shared, const std::string& id, const tus_progress& progress) {
  auto answer = tus_response(status::created);
  answer.add("Location", std::string(tus_root) + id);
  if (!progress.is_done) answer.add("Upload-Expires", tus_expiry(shared, 0));
  return answer;
}

// Nobody was told of it.
awaitable<result<void>> take_back(exchange& now, service& shared, const std::string& id,
                                  const error& why) {
  (void)co_await net::on_pool(
      shared.pool, [&shared, &now, &id] { return shared.uploads.remove(id, now.caller()); });
  co_return co_await tus_refuse(now, why);
}

awaitable<result<void>> create_joined(exchange& now, service& shared, const std::string& id) {
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &now, &id] { return shared.uploads.join_parts(id, now.caller()); });
  if (!joined) co_return co_await take_back(now, shared, id, joined.error());
  const auto answer = created(shared, id, {.is_done = joined->has_value()});
  co_return co_await now.send(answer);
}

// The content that comes with the creation.
awaitable<result<void>> create_with_upload(exchange& now, service& shared,
                                           const transfer::opened_upload& opened,
                                           const tus_check& check) {
  const auto& made = opened.upload;
  const auto writer = co_await take_over(now, shared, opened);
  if (!writer) co_return co_await take_back(now, shared, made->id(), writer.error());
  std::optional<problem> refusal;
  const auto received = co_await tus_receive(now, shared, *writer, check, refusal);
  if (!received) co_return received;
  if (refusal) {
    (*writer)->give_up();
    (void)co_await net::on_pool(shared.pool, [&shared, &now, &made] {
      return shared.uploads.remove(made->id(), now.caller());
    });
    co_return co_await tus_refuse(now, *refusal);
  }
  const auto progress = co_await tus_settle(now, shared, *writer);
  if (!progress) co_return co_await tus_refuse(now, progress.error());
  auto answer = created(shared, made->id(), *progress);
  answer.add("Upload-Offset", std::to_string(progress->offset));
  co_return co_await now.send(answer);
}

}  // namespace

awaitable<result<void>> tus_create(exchange& now, service& shared) {
  auto wanted = read_creation(now.asked());
  if (!wanted) co_return co_await tus_refuse(now, wanted.error());
  const auto opened = co_await net::on_pool(
      shared.pool, [&shared, &now, &wanted] { return open(now, shared, *wanted); });
  if (!opened) {
    const auto why = problem_of(opened.error(), *wanted);
    co_return co_await tus_refuse(now, why);
  }
  const auto made = opened->upload;
  if (made->form() == catalog::upload_form::joined) {
    co_return co_await create_joined(now, shared, made->id());
  }
  if (wanted->has_body || made->size_bytes() == 0U) {
    co_return co_await create_with_upload(now, shared, *opened, wanted->check);
  }
  const auto answer = created(shared, made->id(), {});
  co_return co_await now.send(answer);
}

}  // namespace sluice::http
