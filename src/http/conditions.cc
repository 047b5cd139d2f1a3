#include "http/conditions.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/digest.h"
#include "http/syntax.h"
#include "http/time.h"

namespace sluice::http {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::size_t etag_bytes = 2 * sizeof(base::digest128) + 2;

std::optional<std::int64_t> date_in(const request& asked, std::string_view name) {
  if (!asked.has(name)) return std::nullopt;
  return parse_http_date(asked.field(name));
}

}  // namespace

validators validators_of(const store::entry& file, std::int64_t now_s) {
  const std::array<std::uint64_t, 5> parts{
      file.id.dev, file.id.ino, static_cast<std::uint64_t>(file.id.btime_ns), file.size_bytes,
      static_cast<std::uint64_t>(file.mtime_ns)};
  const std::int64_t seconds = file.mtime_ns / ns_per_s - (file.mtime_ns % ns_per_s < 0 ? 1 : 0);
  std::string tag;
  tag.reserve(etag_bytes);
  tag += '"';
  base::append_hex(tag, base::digest_of(std::as_bytes(std::span(parts))).bytes);
  tag += '"';
  return {.etag = std::move(tag), .last_modified = std::min(seconds, now_s)};
}

bool matches(std::string_view list, std::string_view etag, bool weakly) {
  if (trim(list) == "*") return true;
  while (auto element = take_element(list)) {
    if (element->starts_with("W/")) {
      if (!weakly) continue;
      element->remove_prefix(2);
    }
    if (*element == etag) return true;
  }
  return false;
}

verdict judge(const request& asked, const std::optional<validators>& current) {
  const bool reads = asked.method == "GET" || asked.method == "HEAD";
  if (asked.has("If-Match")) {
    if (!current || !matches(asked.field("If-Match"), current->etag, false)) {
      return verdict::failed;
    }
  } else if (const auto since = date_in(asked, "If-Unmodified-Since")) {
    if (!current || current->last_modified > *since) return verdict::failed;
  }
  if (asked.has("If-None-Match")) {
    if (current && matches(asked.field("If-None-Match"), current->etag, true)) {
      return reads ? verdict::not_modified : verdict::failed;
    }
  } else if (const auto since = reads ? date_in(asked, "If-Modified-Since") : std::nullopt) {
    if (current && current->last_modified <= *since) return verdict::not_modified;
  }
  return verdict::go_on;
}

bool range_counts(const request& asked, const validators& current, std::int64_t now_s) {
  if (!asked.has("If-Range")) return true;
  const std::string value = asked.field("If-Range");
  if (value.starts_with('"')) return value == current.etag;
  // A date is a strong validator only where the content had a second to itself (8.8.2.2).
  return parse_http_date(value) == current.last_modified && current.last_modified < now_s - 1;
}

}  // namespace sluice::http
