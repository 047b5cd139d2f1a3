#include "http/tus_fields.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "http/resumable_note.h"
#include "http/structured_fields.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

bool is_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

std::unexpected<error> bad_concat(std::string_view why) {
  return fail(errc::invalid_argument, "read Upload-Concat: " + std::string(why));
}

// The path of a URL, absolute or relative, without query and fragment.
std::string_view path_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    const auto slash = url.find('/', scheme + 3);
    url = slash == std::string_view::npos ? std::string_view() : url.substr(slash);
  }
  return url.substr(0, url.find_first_of("?#"));
}

}  // namespace

std::optional<tus_metadata> parse_tus_metadata(std::string_view text) {
  tus_metadata all;
  for (;;) {
    const auto comma = text.find(',');
    const auto pair = trim(text.substr(0, comma));
    const auto space = pair.find(' ');
    const auto key = pair.substr(0, space);
    if (!is_key(key) || find_key(all, key)) return std::nullopt;
    auto value = std::optional<std::string>(std::in_place);
    if (space != std::string_view::npos) value = base64_decode(pair.substr(space + 1));
    if (!value) return std::nullopt;
    all.emplace_back(key, std::move(*value));
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::string_view> find_key(const tus_metadata& all, std::string_view key) noexcept {
  const auto found = std::ranges::find(all, key, [](const auto& each) { return each.first; });
  if (found == all.end()) return std::nullopt;
  return found->second;
}

std::optional<tus_checksum> parse_tus_checksum(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos || !is_key(text.substr(0, space))) return std::nullopt;
  auto value = base64_decode(text.substr(space + 1));
  if (!value || value->empty()) return std::nullopt;
  return tus_checksum{std::string(text.substr(0, space)), std::move(*value)};
}

result<tus_concat> parse_tus_concat(std::string_view text) {
  if (text == "partial") return tus_concat{.is_partial = true};
  constexpr std::string_view final_mark = "final;";
  if (!text.starts_with(final_mark))
    return bad_concat("neither \"partial\" nor \"final;\" and URLs");
  text = trim(text.substr(final_mark.size()));
  tus_concat made;
  while (!text.empty()) {
    const auto space = text.find(' ');
    const auto url = text.substr(0, space);
    auto id = tus_upload_id(path_of(url));
    if (!id) return bad_concat("\"" + base::escape_unsafe(url) + "\" is the URL of no upload");
    made.parts.push_back(std::move(*id));
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  if (made.parts.empty()) return bad_concat("a final upload without parts");
  return made;
}

std::optional<std::string> tus_upload_id(std::string_view path) {
  if (!path.starts_with(tus_root)) return std::nullopt;
  path.remove_prefix(tus_root.size());
  if (!is_upload_id(path)) return std::nullopt;
  return std::string(path);
}

result<store::rel_path> tus_target(std::string_view below_root, const tus_metadata& metadata) {
  auto name = find_key(metadata, "filename");
  if (!name) name = find_key(metadata, "name");
  if (!name) {
    if (!below_root.empty() && !below_root.ends_with('/'))
      return store::rel_path::parse(below_root);
    return fail(errc::invalid_argument,
                "create an upload: it has no name; add filename to Upload-Metadata");
  }
  if (auto valid = store::check_name(*name); !valid) return std::unexpected(valid.error());
  auto folder = store::rel_path::parse(below_root);
  if (!folder) return folder;
  auto inner = find_key(metadata, "folder").value_or("");
  if (const auto relative = find_key(metadata, "relativePath"); relative && inner.empty()) {
    const auto slash = relative->rfind('/');
    if (slash != std::string_view::npos) inner = relative->substr(0, slash);
  }
  if (!inner.empty() && inner != "/") {
    folder = folder->child(inner);
    if (!folder) return folder;
  }
  return folder->child(*name);
}

std::optional<std::int64_t> tus_mtime_ns(const tus_metadata& metadata) {
  constexpr std::uint64_t ns_a_ms = 1'000'000;
  const auto text = find_key(metadata, "lastModified");
  const auto ms = text ? parse_number(*text) : std::nullopt;
  if (!ms || *ms > std::numeric_limits<std::int64_t>::max() / ns_a_ms) return std::nullopt;
  return static_cast<std::int64_t>(*ms * ns_a_ms);
}

}  // namespace sluice::http
