// What the API tells: listings, entries, uploads, the server.
#include "base/bytes.h"
#include "http/api.h"
#include "http/api_json.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

constexpr std::uint64_t page_default = 1'000;
constexpr std::uint64_t page_max = 10'000;

struct page_wish {
  std::uint64_t limit = page_default;
  store::list_options how{};
};

parsed<page_wish> read_page_wish(const request& asked) {
  page_wish wanted;
  if (const auto limit = asked.parameter("limit")) {
    const auto number = parse_number(*limit);
    if (!number || *number == 0 || *number > page_max) {
      return std::unexpected(
          problem(status::bad_request, "limit is a number from 1 to " + std::to_string(page_max)));
    }
    wanted.limit = *number;
  }
  wanted.how.after = asked.parameter("after").value_or("");
  const auto recursive = asked.parameter("recursive").value_or("false");
  if (recursive != "true" && recursive != "false") {
    return std::unexpected(problem(status::bad_request, "recursive is true or false"));
  }
  wanted.how.recursive = recursive == "true";
  return wanted;
}

struct listed {
  std::string path;
  store::list_page page;
  std::vector<std::optional<catalog::sha256_digest>> digests;  // of the entries
};

result<listed> list(service& shared, const base::permitted<base::right::see>& where,
                    const page_wish& wanted) {
  const auto parsed_path = store::rel_path::parse(where.path());
  if (!parsed_path) return std::unexpected(parsed_path.error());
  auto listing = shared.tree.list(where, wanted.how);
  if (!listing) return std::unexpected(listing.error());
  auto page = listing->next(wanted.limit);
  if (!page) return std::unexpected(page.error());
  auto digests = shared.downloads.known_sha256(page->entries);
  if (!digests) return std::unexpected(digests.error());
  return listed{parsed_path->text(), std::move(*page), std::move(*digests)};
}

// Whoever may take the content may know its digest.
json with_digest(json told, const std::optional<catalog::sha256_digest>& known,
                 const base::caller& who, std::string_view path) {
  if (known && who.may(path).has(base::right::take)) told["sha256"] = base::to_hex(*known);
  return told;
}

json page_json(const listed& found, const base::caller& who) {
  json told;
  told["path"] = found.path;
  told["entries"] = json::array();
  const std::string above = found.path.empty() ? "" : found.path + '/';
  for (std::size_t i = 0; i < found.page.entries.size(); ++i) {
    const auto& entry = found.page.entries[i];
    const std::string path = above + entry.name;
    told["entries"].push_back(with_digest(to_json(entry, path), found.digests[i], who, path));
  }
  if (found.page.more && !found.page.entries.empty()) {
    told["next"] = found.page.entries.back().name;
  }
  return told;
}

}  // namespace

awaitable<result<void>> api_list(exchange& now, service& shared) {
  const auto wanted = read_page_wish(now.asked());
  if (!wanted) co_return co_await now.refuse(wanted.error());
  const auto where = now.permit<base::right::see>(now.asked().below("/api/list/"));
  if (!where) co_return std::unexpected(where.error());
  const auto found = co_await net::on_pool(
      shared.pool, [&shared, &where, &wanted] { return list(shared, *where, *wanted); });
  if (!found) co_return std::unexpected(found.error());
  const json told = page_json(*found, *now.caller());
  co_return co_await send_json(now, status::ok, told);
}

awaitable<result<void>> api_stat(exchange& now, service& shared) {
  const std::string path(now.asked().below("/api/stat/"));
  const auto what = now.permit<base::right::see>(path);
  if (!what) co_return std::unexpected(what.error());
  const auto entry =
      co_await net::on_pool(shared.pool, [&shared, &what] { return shared.tree.stat(*what); });
  if (!entry) co_return std::unexpected(entry.error());
  const auto digests = co_await net::on_pool(shared.pool, [&shared, &entry] {
    return shared.downloads.known_sha256(std::span(&*entry, 1));
  });
  if (!digests) co_return std::unexpected(digests.error());
  const auto parsed_path = store::rel_path::parse(path);
  const std::string plain = parsed_path ? parsed_path->text() : path;
  const json told = with_digest(to_json(*entry, plain), digests->front(), *now.caller(), plain);
  co_return co_await send_json(now, status::ok, told);
}

awaitable<result<void>> api_uploads(exchange& now, service& shared) {
  const auto open = co_await net::on_pool(
      shared.pool, [&shared, &now] { return shared.uploads.under_way(now.caller()); });
  if (!open) co_return std::unexpected(open.error());
  json told;
  told["uploads"] = json::array();
  for (const auto& each : *open) {
    json one;
    one["path"] = each.path;
    one["size"] = each.size_bytes ? json(*each.size_bytes) : json();
    one["durable"] = each.durable_bytes;
    one["active"] = each.is_active;
    told["uploads"].push_back(std::move(one));
  }
  co_return co_await send_json(now, status::ok, told);
}

awaitable<result<void>> api_server(exchange& now, service& shared) {
  const auto space = co_await net::on_pool(shared.pool, [&shared] { return shared.tree.space(); });
  if (!space) co_return std::unexpected(space.error());
  json told;
  told["agent"] = shared.agent;
  told["protocols"] = {"http/1.1", "sluice"};
  told["block_bytes"] = base::block_bytes;
  told["file_bytes_max"] = base::file_bytes_max;
  told["list_limit_max"] = page_max;
  if (!now.caller()->may_below({}).is_none()) {
    told["space"] = {{"total", space->total_bytes}, {"usable", space->usable_bytes}};
  }
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace sluice::http
