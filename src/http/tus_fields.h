// The fields of tus 1.0.0 (https://tus.io/protocols/resumable-upload) as values. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/error.h"
#include "transfer/uploads.h"

namespace sluice::http {

inline constexpr std::string_view tus_version = "1.0.0";
inline constexpr std::string_view tus_root = "/tus/";

// Upload-Metadata: keys with their decoded values, in their order.
using tus_metadata = std::vector<std::pair<std::string, std::string>>;

// Strict: keys of visible ASCII without commas, each once; one space; canonical Base64. A key alone
// has an empty value. nullopt: anything else.
[[nodiscard]] std::optional<tus_metadata> parse_tus_metadata(std::string_view text);
[[nodiscard]] std::optional<std::string_view> find_key(const tus_metadata& all,
                                                       std::string_view key) noexcept;

// Upload-Checksum: the algorithm's name and the decoded checksum.
struct tus_checksum {
  std::string algorithm;
  std::string value;
};
[[nodiscard]] std::optional<tus_checksum> parse_tus_checksum(std::string_view text);

// Upload-Concat: of a part, or the ids of the parts of a final upload.
struct tus_concat {
  bool is_partial = false;
  std::vector<std::string> parts{};
};
// `own_url` is not looked at beyond its path: a part of another server has an id that is not here.
//   invalid_argument: malformed, or a URL that is none of an upload
[[nodiscard]] result<tus_concat> parse_tus_concat(std::string_view text);

// The id in the path of an upload's URL, "/tus/0123...", or nullopt.
[[nodiscard]] std::optional<std::string> tus_upload_id(std::string_view path);

// Where the file goes: the folder that the URL of the creation names, in it the folder that the
// metadata names (`folder`, or what `relativePath` has before its last part), in it `filename` (or
// `name`). Without a file name in the metadata, the URL names the file, unless it ends with "/".
//   invalid_argument: no name, or a malformed one; not_allowed: begins with a dot
[[nodiscard]] result<store::rel_path> tus_target(std::string_view below_root,
                                                 const tus_metadata& metadata);

// `lastModified`, in milliseconds since 1970; nullopt where it is absent, or no number.
[[nodiscard]] std::optional<std::int64_t> tus_mtime_ns(const tus_metadata& metadata);

}  // namespace sluice::http
