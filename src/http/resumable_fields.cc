#include "http/resumable_fields.h"

#include "http/resumable_note.h"
#include "http/structured_fields.h"

namespace sluice::http {
namespace {

template <class T>
std::optional<T> item(const request& asked, std::string_view name) {
  if (!asked.has(name)) return std::nullopt;
  const auto value = parse_sf_item(asked.field(name));
  if (!value || !std::holds_alternative<T>(*value)) return std::nullopt;
  return std::get<T>(*value);
}

std::optional<std::uint64_t> number(const request& asked, std::string_view name) {
  const auto value = item<std::int64_t>(asked, name);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

bool is_known(std::string_view algorithm) {
  return algorithm == "sha-256" || algorithm == "sha-512";
}

std::string type_of(std::string_view name) {
  return "https://iana.org/assignments/http-problem-types#" + std::string(name);
}

}  // namespace

resumable_fields read_resumable_fields(const request& asked) {
  resumable_fields read;
  read.complete = item<bool>(asked, "Upload-Complete");
  read.offset = number(asked, "Upload-Offset");
  read.length = number(asked, "Upload-Length");
  read.is_our_version =
      item<std::int64_t>(asked, "Upload-Draft-Interop-Version") == resumable_interop_version;
  return read;
}

std::expected<std::optional<std::uint64_t>, problem> announced_length(
    const resumable_fields& fields, const request& asked, std::uint64_t offset) {
  std::optional<std::uint64_t> by_content;
  const bool is_counted = asked.content_length || !asked.has_body;
  if (fields.complete == true && is_counted) {
    by_content = offset + asked.content_length.value_or(0);
  }
  if (by_content && fields.length && *by_content != *fields.length) {
    return std::unexpected(
        inconsistent_length("Upload-Length is " + std::to_string(*fields.length) +
                            ", and the content ends at " + std::to_string(*by_content)));
  }
  return fields.length ? fields.length : by_content;
}

std::optional<std::vector<field_digest>> parse_digest_field(std::string_view text) {
  const auto members = parse_sf_dictionary(text);
  if (!members || members->empty()) return std::nullopt;
  std::vector<field_digest> digests;
  for (const auto& [key, value] : *members) {
    const auto* bytes = std::get_if<sf_bytes>(&value);
    if (bytes == nullptr) return std::nullopt;
    if (is_known(key)) digests.push_back({key, bytes->bytes});
  }
  return digests;
}

std::string preferred_algorithm(std::string_view text) {
  const auto members = parse_sf_dictionary(text);
  if (!members) return {};
  std::string best;
  std::int64_t weight = 0;  // 0: not acceptable
  for (const auto& [key, value] : *members) {
    const auto* told = std::get_if<std::int64_t>(&value);
    if (told == nullptr || *told <= weight || !is_known(key)) continue;
    weight = *told;
    best = key;
  }
  return best;
}

problem mismatching_offset(std::uint64_t expected, std::uint64_t provided) {
  problem why(status::conflict, type_of("mismatching-upload-offset"),
              "append at byte " + std::to_string(provided) + " of an upload that has " +
                  std::to_string(expected) + ": go on there");
  why.members.emplace_back("expected-offset", std::to_string(expected));
  why.members.emplace_back("provided-offset", std::to_string(provided));
  return why;
}

problem inconsistent_length(std::string why) {
  return {status::bad_request, type_of("inconsistent-upload-length"), std::move(why)};
}

problem completed_upload() {
  return {status::bad_request, type_of("completed-upload"),
          "append to an upload that is complete: nothing can be added to it"};
}

std::optional<std::string> resumable_upload_id(std::string_view path) {
  if (!path.starts_with(resumable_root)) return std::nullopt;
  path.remove_prefix(resumable_root.size());
  if (!is_upload_id(path)) return std::nullopt;
  return std::string(path);
}

}  // namespace sluice::http
