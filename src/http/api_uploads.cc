// Uploads in runs of blocks, any number of them at the same time: for the page, whose browser is
// faster by several connections. As PUT, BLOCK and PUT_FINISH of the native protocol.
#include <algorithm>
#include <limits>

#include "http/api.h"
#include "http/api_json.h"
#include "http/resumable_body.h"
#include "http/resumable_note.h"
#include "http/syntax.h"
#include "transfer/block_run.h"

namespace sluice::http {
namespace {

using base::right;
using place = transfer::allowed_place<right::give>;

constexpr std::int64_t ns_a_ms = 1'000'000;

struct upload_wish {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
};

parsed<upload_wish> read_upload(const json& object) {
  auto path = text_of(object, "path");
  if (!path) return std::unexpected(path.error());
  const auto size = count_of(object, "size");
  if (!size) return std::unexpected(to_problem(size.error()));
  if (!*size) return std::unexpected(problem(status::bad_request, "the request has no \"size\""));
  const auto modified_ms = count_of(object, "modified_ms");
  if (!modified_ms) return std::unexpected(to_problem(modified_ms.error()));
  constexpr std::uint64_t latest_ms = std::numeric_limits<std::int64_t>::max() / ns_a_ms;
  const auto ms = std::min(modified_ms->value_or(0), latest_ms);
  return upload_wish{std::move(*path), **size, static_cast<std::int64_t>(ms) * ns_a_ms};
}

struct finish_wish {
  std::optional<std::string> path;
};

parsed<finish_wish> read_finish(const json& object) {
  if (!object.contains("path")) return finish_wish{};
  auto path = text_of(object, "path");
  if (!path) return std::unexpected(path.error());
  return finish_wish{std::move(*path)};
}

result<place> place_of(const exchange& now, const std::string& path) {
  auto asked = now.permit<right::give>(path);
  if (!asked) return std::unexpected(asked.error());
  return place::of(std::move(*asked));
}

result<transfer::opened_upload> begin(service& shared, const exchange& now,
                                      const upload_wish& wanted) {
  auto path = place_of(now, wanted.path);
  if (!path) return std::unexpected(path.error());
  transfer::upload_request request(std::move(*path));
  request.size_bytes = wanted.size_bytes;
  request.mtime_ns = wanted.mtime_ns;
  request.make_parents = true;
  return shared.uploads.open(request);
}

// The upload that the request names; of a text that is no id there is none.
result<transfer::opened_upload> join(service& shared, const exchange& now) {
  const std::string id(now.asked().below("/api/uploads/"));
  if (!is_upload_id(id)) return fail(errc::not_found, "find upload " + id);
  return shared.uploads.join(id, now.caller());
}

// With another name where that is asked for, and its own was taken meanwhile.
result<transfer::opened_upload> join_as(service& shared, const exchange& now,
                                        const std::optional<std::string>& path) {
  auto joined = join(shared, now);
  if (!joined || !path || joined->done || joined->upload->path().text() == *path) return joined;
  auto to = place_of(now, *path);
  if (!to) return std::unexpected(to.error());
  transfer::upload_request request(std::move(*to));
  request.make_parents = true;
  return shared.uploads.rename(joined->upload->id(), request);
}

awaitable<result<void>> make_durable(const std::shared_ptr<transfer::upload_writer>& of) {
  using outcome = result<std::vector<transfer::block_range>>;
  const auto start = [&of](const auto& complete) {
    of->checkpoint([complete](outcome durable) { complete(std::move(durable)); });
  };
  const auto durable = co_await net::from_callback<outcome>(start);
  if (!durable) co_return std::unexpected(durable.error());
  co_return result<void>{};
}

// All of the body; the outer result is what the connection said.
awaitable<result<result<void>>> take_blocks(exchange& now, service& shared,
                                            const transfer::opened_upload& joined,
                                            std::uint64_t first) {
  const auto writer = joined.upload->attach({}, joined.by);
  transfer::block_run run(writer, first);
  body_watch watch;
  result<void> stored;
  const auto received = co_await receive_body(now, shared, run, watch, stored);
  if (!received) co_return std::unexpected(received.error());
  if (stored) stored = co_await make_durable(writer);
  if (stored && !run.ends_a_block()) {
    stored = fail(errc::invalid_argument, "the request ends inside of a block, which is not kept");
  }
  co_return stored;
}

}  // namespace

awaitable<result<void>> api_begin_upload(exchange& now, service& shared) {
  std::optional<upload_wish> wanted;
  const auto came = co_await take_wish(now, read_upload, wanted);
  if (!came || !wanted) co_return came;
  const auto opened = co_await net::on_pool(
      shared.pool, [&shared, &now, &wanted] { return begin(shared, now, *wanted); });
  if (!opened) co_return std::unexpected(opened.error());
  const json told = {{"upload", opened->upload->id()}, {"path", opened->upload->path().text()}};
  co_return co_await send_json(now, status::created, told);
}

awaitable<result<void>> api_write_blocks(exchange& now, service& shared) {
  const auto first = parse_number(now.asked().parameter("first").value_or(""));
  if (!first) {
    const problem missing(status::bad_request, "first is the number of the first block");
    co_return co_await now.refuse(missing);
  }
  const auto joined =
      co_await net::on_pool(shared.pool, [&shared, &now] { return join(shared, now); });
  if (!joined) co_return std::unexpected(joined.error());
  if (joined->done) co_return fail(errc::conflict, "write to an upload that is a file already");
  const auto taken = co_await take_blocks(now, shared, *joined, *first);
  if (!taken) co_return std::unexpected(taken.error());
  if (!*taken) co_return std::unexpected(taken->error());
  const response kept(status::no_content);
  co_return co_await now.send(kept);
}

awaitable<result<void>> api_finish_upload(exchange& now, service& shared) {
  std::optional<finish_wish> wanted;
  const auto came = co_await take_wish(now, read_finish, wanted);
  if (!came || !wanted) co_return came;
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &now, &wanted] { return join_as(shared, now, wanted->path); });
  if (!joined) co_return std::unexpected(joined.error());
  if (joined->done) {
    const json told = to_json(*joined->done, joined->path);
    co_return co_await send_json(now, status::ok, told);
  }
  const auto& upload = joined->upload;
  const auto file = co_await publish(shared, upload, joined->by);
  if (!file) co_return std::unexpected(file.error());
  const json told = to_json(*file, upload->path().text());
  co_return co_await send_json(now, status::created, told);
}

awaitable<result<void>> api_drop_upload(exchange& now, service& shared) {
  const std::string id(now.asked().below("/api/uploads/"));
  const auto removed = co_await net::on_pool(shared.pool, [&shared, &now, &id]() -> result<void> {
    if (!is_upload_id(id)) return fail(errc::not_found, "find upload " + id);
    return shared.uploads.remove(id, now.caller());
  });
  if (!removed) co_return removed;
  const response gone(status::no_content);
  co_return co_await now.send(gone);
}

}  // namespace sluice::http
