// The digests of blocks, for a page that holds its own file against what is here: before it goes on
// with an upload, and when that is done. As the native protocol's DIGESTS.
#include "http/api.h"
#include "http/api_json.h"
#include "http/resumable_note.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

using base::right;

constexpr std::uint64_t count_max = 4096;  // 4 GiB, and 140 KiB of JSON
constexpr std::uint64_t count_at_once = 64;
constexpr std::size_t runs_max = 1024;  // of blocks, of an upload with gaps

struct run_wish {
  std::uint64_t first = 0;
  std::uint64_t count = count_max;
};

parsed<run_wish> read_run(const request& asked) {
  run_wish wanted;
  if (const auto text = asked.parameter("first")) {
    const auto number = parse_number(*text);
    if (!number) return std::unexpected(problem(status::bad_request, "first is a block's number"));
    wanted.first = *number;
  }
  if (const auto text = asked.parameter("count")) {
    const auto number = parse_number(*text);
    if (!number || *number == 0 || *number > count_max) {
      return std::unexpected(
          problem(status::bad_request, "count is a number from 1 to " + std::to_string(count_max)));
    }
    wanted.count = *number;
  }
  return wanted;
}

json head_of(const std::string& path, std::uint64_t first) {
  json told;
  told["path"] = path;
  told["block_bytes"] = base::block_bytes;
  told["first"] = first;
  told["digests"] = json::array();
  return told;
}

// Up to the first that is not there. False where there is no more.
bool append(json& told, const std::vector<transfer::block_digest>& some) {
  auto& list = told["digests"];
  for (const auto& each : some) {
    if (each.block != told["first"].get<std::uint64_t>() + list.size()) return false;
    list.push_back(base::to_hex(each.digest));
  }
  return some.size() == count_at_once;
}

// Of the content `held`: a download or an upload. On the pool a few blocks at a time, since those
// of a file that was copied in by hand are read for it.
template <class Held>
awaitable<result<void>> add_digests(service& shared, Held& held, run_wish wanted, json& told) {
  for (std::uint64_t at = wanted.first; at < wanted.first + wanted.count; at += count_at_once) {
    const auto step = co_await net::on_pool(shared.pool, [&held, at] {
      return held.digests(at, count_at_once, transfer::digest_source::recorded);
    });
    if (!step) co_return std::unexpected(step.error());
    if (!append(told, *step)) break;
  }
  auto& list = told["digests"];
  if (list.size() > wanted.count)
    list.erase(list.begin() + std::ptrdiff_t(wanted.count), list.end());
  co_return result<void>{};
}

// Of a finished upload, for who began it: what the server itself computed of what arrived, also
// for those who may not read it.
void add_recorded(json& told, const std::vector<base::digest128>& known, run_wish wanted) {
  auto& list = told["digests"];
  const auto first = std::min<std::uint64_t>(wanted.first, known.size());
  for (const auto& each : std::span(known).subspan(first)) {
    if (list.size() == wanted.count) return;
    list.push_back(base::to_hex(each));
  }
}

json runs_json(const std::vector<transfer::block_range>& all) {
  json told = json::array();
  for (const auto& each : all) {
    if (told.size() == runs_max) break;
    told.push_back({each.first, each.count});
  }
  return told;
}

json size_json(const std::optional<std::uint64_t>& size_bytes) {
  return size_bytes ? json(*size_bytes) : json();
}

}  // namespace

awaitable<result<void>> api_digests(exchange& now, service& shared) {
  const auto wanted = read_run(now.asked());
  if (!wanted) co_return co_await now.refuse(wanted.error());
  const std::string path(now.asked().below("/api/digests/"));
  const auto what = now.permit<right::take>(path);
  if (!what) co_return std::unexpected(what.error());
  const auto file =
      co_await net::on_pool(shared.pool, [&shared, &what] { return shared.downloads.open(*what); });
  if (!file) co_return std::unexpected(file.error());
  const auto place = shared.digests.try_take();
  if (!place) co_return fail(errc::busy, "as many digests are being made as may be");
  const auto plain = store::rel_path::parse(path);
  json told = head_of(plain ? plain->text() : path, wanted->first);
  told["size"] = (*file)->info().size_bytes;
  const auto added = co_await add_digests(shared, **file, *wanted, told);
  if (!added) co_return added;
  co_return co_await send_json(now, status::ok, told);
}

namespace {

awaitable<result<void>> tell_open(exchange& now, service& shared, transfer::upload& held,
                                  run_wish wanted) {
  json told = head_of(held.path().text(), wanted.first);
  told["done"] = false;
  told["size"] = size_json(held.size_bytes());
  const auto added = co_await add_digests(shared, held, wanted, told);
  if (!added) co_return added;
  told["offset"] = held.durable_bytes();
  told["durable"] = runs_json(held.durable());
  co_return co_await send_json(now, status::ok, told);
}

awaitable<result<void>> tell_finished(exchange& now, service& shared,
                                      const transfer::opened_upload& joined, run_wish wanted) {
  const auto known = co_await net::on_pool(
      shared.pool, [&shared, &joined] { return shared.downloads.recorded_digests(*joined.done); });
  if (!known) co_return std::unexpected(known.error());
  json told = head_of(joined.path, wanted.first);
  told["done"] = true;
  told["size"] = joined.done->size_bytes;
  add_recorded(told, *known, wanted);
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace

awaitable<result<void>> api_upload(exchange& now, service& shared) {
  const auto wanted = read_run(now.asked());
  if (!wanted) co_return co_await now.refuse(wanted.error());
  const std::string id(now.asked().below("/api/uploads/"));
  if (!is_upload_id(id)) {
    const problem unknown(status::not_found, "there is no upload " + id);
    co_return co_await now.refuse(unknown);
  }
  const auto who = now.caller();
  const auto joined = co_await net::on_pool(
      shared.pool, [&shared, &id, &who] { return shared.uploads.join(id, who); });
  if (!joined) co_return std::unexpected(joined.error());
  if (joined->done) co_return co_await tell_finished(now, shared, *joined, *wanted);
  co_return co_await tell_open(now, shared, *joined->upload, *wanted);
}

}  // namespace sluice::http
