#include "client/http_listing.h"

#include <fmt/format.h>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/limits.h"
#include "client/json_text.h"
#include "client/names.h"

namespace sluice::client {
namespace {

using json = nlohmann::json;

// An entry has its path twice, and once as a URL, which is up to three times as long.
constexpr unsigned page_entries = 400;
constexpr std::size_t page_bytes_max = std::size_t{16} << 20;

std::optional<std::int64_t> digits_at(std::string_view text, std::size_t from, std::size_t count) {
  if (text.size() < from + count) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text.substr(from, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// "2001-09-09T01:46:40.000000005Z".
std::optional<std::int64_t> time_of(std::string_view text) {
  const auto year = digits_at(text, 0, 4), month = digits_at(text, 5, 2);
  const auto day = digits_at(text, 8, 2), hour = digits_at(text, 11, 2);
  const auto minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  const auto rest = digits_at(text, 20, 9);
  if (!year || !month || !day || !hour || !minute || !second || !rest) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  const auto since = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
                     std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  return std::chrono::nanoseconds(since).count() + *rest;
}

// With the path as the server has it.
result<remote_entry> read_entry(const json& told) {
  if (!told.is_object()) return fail(errc::bad_frame, "an entry that is no object");
  remote_entry entry;
  entry.path = text_in(told, "path");
  entry.identity = text_in(told, "etag");
  entry.folder = text_in(told, "kind") == "folder";
  entry.mtime_ns = time_of(text_in(told, "modified")).value_or(0);
  if (entry.folder) return entry;
  const auto size = told.find("size");
  if (size == told.end() || !size->is_number_unsigned() ||
      size->get<std::uint64_t>() > base::file_bytes_max) {
    return fail(errc::bad_frame, "a file without a size that can be");
  }
  entry.size_bytes = size->get<std::uint64_t>();
  entry.executable = told.value("executable", json()) == json(true);
  // It goes into requests as it is.
  const bool is_tag =
      entry.identity.size() > 2 && entry.identity.starts_with('"') &&
      entry.identity.ends_with('"') &&
      entry.identity.find_first_not_of("\"0123456789abcdefABCDEF-_.") == std::string::npos;
  if (!is_tag) return fail(errc::bad_frame, "a file without an entity tag that can be");
  return entry;
}

// "a/b" of a listing of "a" is "b".
bool drop_folder(std::string& path, const std::string& folder) {
  if (folder.empty()) return true;
  if (!path.starts_with(folder) || path.size() <= folder.size() || path[folder.size()] != '/') {
    return false;
  }
  path.erase(0, folder.size() + 1);
  return true;
}

awaitable<result<std::string>> ask_text(http_link& by, std::string target) {
  const auto asked = co_await by.get(std::move(target));
  if (!asked) co_return std::unexpected(asked.error());
  co_return co_await by.read_text(page_bytes_max);
}

}  // namespace

awaitable<result<std::optional<remote_entry>>> http_stat(session& owner, const url& server,
                                                         const std::string& path) {
  const auto by = co_await http_link::open(owner, server);
  if (!by) co_return std::unexpected(by.error());
  const std::string target = "/api/stat/" + encode_path(path);
  const auto text = co_await ask_text(**by, target);
  if (!text && text.error().code == errc::not_found) co_return std::nullopt;
  if (!text) co_return std::unexpected(text.error());
  auto entry = read_entry(json::parse(*text, nullptr, false));
  if (!entry) co_return std::unexpected(std::move(entry.error()));
  co_return std::optional(std::move(*entry));
}

http_listing::http_listing(session& owner, url server, std::string path, bool recursive)
    : session_(owner),
      server_(std::move(server)),
      path_(std::move(path)),
      recursive_(recursive),
      patient_(owner) {}

awaitable<result<std::vector<remote_entry>>> http_listing::next() {
  if (ended_) co_return std::vector<remote_entry>{};
  for (;;) {
    const auto text = co_await next_page();
    if (text) {
      patient_.progress();
      co_return read_page(*text);
    }
    by_.reset();
    if (text.error().code == errc::conflict && after_.empty()) co_return co_await of_file();
    const bool again = co_await patient_.once_more(text.error());
    if (!again) co_return std::unexpected(text.error());
  }
}

awaitable<result<std::string>> http_listing::next_page() {
  if (!by_) {
    auto by = co_await http_link::open(session_, server_);
    if (!by) co_return std::unexpected(std::move(by.error()));
    by_ = std::move(*by);
  }
  const std::string target =
      fmt::format("/api/list/{}?limit={}&recursive={}&after={}", encode_path(path_), page_entries,
                  recursive_, encode_path(after_));
  co_return co_await ask_text(*by_, target);
}

result<std::vector<remote_entry>> http_listing::read_page(const std::string& text) {
  const json told = json::parse(text, nullptr, false);
  const auto entries = told.is_object() ? told.find("entries") : told.end();
  if (entries == told.end() || !entries->is_array()) return fail(errc::bad_frame, "no listing");
  std::vector<remote_entry> page;
  for (const auto& each : *entries) {
    auto entry = read_entry(each);
    if (!entry) return std::unexpected(std::move(entry.error()));
    if (!drop_folder(entry->path, path_) || entry->path.empty()) {
      return fail(errc::bad_frame, "the server lists what is not in the folder");
    }
    if (auto fine = check_listed(*entry, after_); !fine) return std::unexpected(fine.error());
    after_ = entry->path;
    page.push_back(std::move(*entry));
  }
  ended_ = page.empty() || !told.contains("next");
  return page;
}

awaitable<result<std::vector<remote_entry>>> http_listing::of_file() {
  ended_ = true;
  auto file = co_await http_stat(session_, server_, path_);
  if (!file) co_return std::unexpected(std::move(file.error()));
  if (!*file) co_return fail(errc::not_found, "list " + server_.text());
  (*file)->path.clear();
  std::vector<remote_entry> one;
  one.push_back(std::move(**file));
  co_return one;
}

}  // namespace sluice::client
