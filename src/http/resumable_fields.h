// The fields of the resumable uploads of HTTP (draft-ietf-httpbis-resumable-upload-12) as values.
// Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/problem.h"
#include "http/request.h"

namespace sluice::http {

// The one place that says which draft this is: -12 and its interop version (draft, "Draft Version
// Identification"). Interim responses go only to clients of this version.
inline constexpr std::int64_t resumable_interop_version = 8;
inline constexpr std::string_view resumable_root = "/uploads/";

// The largest number of a structured field (RFC 9651, 3.3.1): no upload can be announced as larger.
inline constexpr std::uint64_t resumable_bytes_max = 999'999'999'999'999;

// Fields that are malformed are as if they were not there (draft, 4.1).
struct resumable_fields {
  std::optional<bool> complete;
  std::optional<std::uint64_t> offset;
  std::optional<std::uint64_t> length;
  bool is_our_version = false;
};
[[nodiscard]] resumable_fields read_resumable_fields(const request& asked);

// The whole length, where the request tells it: by Upload-Length, or by Content-Length of a request
// that completes the upload from `offset` on. The problem: the two contradict one another.
[[nodiscard]] std::expected<std::optional<std::uint64_t>, problem> announced_length(
    const resumable_fields& fields, const request& asked, std::uint64_t offset);

// Content-Digest and Repr-Digest (RFC 9530): those of algorithms that are known here.
struct field_digest {
  std::string algorithm;
  std::string value;
};
// nullopt: malformed.
[[nodiscard]] std::optional<std::vector<field_digest>> parse_digest_field(std::string_view text);
// Want-Repr-Digest: the algorithm that is liked best of those that are known here, or "".
[[nodiscard]] std::string preferred_algorithm(std::string_view text);

[[nodiscard]] problem mismatching_offset(std::uint64_t expected, std::uint64_t provided);
[[nodiscard]] problem inconsistent_length(std::string why);
[[nodiscard]] problem completed_upload();

// The id in the path of an upload resource, or nullopt.
[[nodiscard]] std::optional<std::string> resumable_upload_id(std::string_view path);

}  // namespace sluice::http
