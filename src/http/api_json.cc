#include "http/api_json.h"

#include <ctime>

#include "http/conditions.h"
#include "http/media_type.h"
#include "http/syntax.h"
#include "http/target.h"
#include "http/time.h"

namespace sluice::http {
namespace {

constexpr std::size_t object_bytes_max = 64 * 1024;

std::unexpected<problem> refuse(std::string what, status code = status::bad_request) {
  return std::unexpected(problem(code, std::move(what)));
}

bool is_json(const request& asked) {
  const std::string type = asked.field("Content-Type");
  return equals_ignoring_case(trim(std::string_view(type).substr(0, type.find(';'))),
                              "application/json");
}

}  // namespace

json to_json(const store::entry& entry, std::string_view path) {
  json told;
  told["path"] = path;
  told["name"] = path.substr(path.rfind('/') + 1);
  const bool is_file = entry.kind == store::entry_kind::file;
  told["kind"] = is_file ? "file" : "folder";
  told["modified"] = iso_time(entry.mtime_ns);
  if (!is_file) return told;
  told["size"] = entry.size_bytes;
  told["type"] = media_type_of(path).name;
  if (entry.executable) told["executable"] = true;
  told["etag"] = validators_of(entry, std::time(nullptr)).etag;
  told["url"] = percent_encode_path("/files/" + std::string(path));
  return told;
}

awaitable<result<void>> send_json(exchange& now, status code, const json& value) {
  response answer(code);
  answer.add("Cache-Control", "no-cache");
  answer.with(value.dump(-1, ' ', false, json::error_handler_t::replace), "application/json");
  co_return co_await now.send(answer);
}

awaitable<result<void>> read_object(exchange& now, parsed<json>& into) {
  if (!is_json(now.asked())) {
    into = refuse("send the request as application/json", status::unsupported_media_type);
    co_return result<void>{};
  }
  std::string text;
  if (now.asked().content_length.value_or(0) > object_bytes_max) {
    into = refuse("a request of over 64 KiB", status::payload_too_large);
    co_return result<void>{};
  }
  while (!now.body_ended()) {
    std::array<std::byte, 4096> piece{};
    const auto got = co_await now.read_some(piece);
    if (!got) co_return std::unexpected(got.error());
    for (std::size_t i = 0; i < *got; ++i) text += static_cast<char>(piece[i]);
    if (text.size() > object_bytes_max) {
      into = refuse("a request of over 64 KiB", status::payload_too_large);
      co_return result<void>{};
    }
  }
  json object = json::parse(text, nullptr, false);
  if (object.is_object()) {
    into = std::move(object);
  } else {
    into = refuse("the request is no JSON object");
  }
  co_return result<void>{};
}

parsed<std::string> text_of(const json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return refuse("the request has no text \"" + std::string(name) + '"');
  }
  return found->get<std::string>();
}

parsed<bool> flag_of(const json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  if (!found->is_boolean()) return refuse('"' + std::string(name) + "\" is neither true nor false");
  return found->get<bool>();
}

result<std::optional<std::uint64_t>> count_of(const json& object, std::string_view name) {
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (found->is_number_unsigned() && found->get<std::uint64_t>() <= most) {
    return found->get<std::uint64_t>();
  }
  return fail(errc::invalid_argument, '"' + std::string(name) + "\" is no whole number from 0 on");
}

result<std::optional<std::int64_t>> end_of(const json& object) {
  constexpr std::uint64_t most_s = std::uint64_t{3650} * 24 * 3600;
  const auto lifetime = count_of(object, "lifetime_s");
  if (!lifetime) return std::unexpected(lifetime.error());
  if (!*lifetime) return std::nullopt;
  if (**lifetime == 0 || **lifetime > most_s) {
    return fail(errc::invalid_argument, "\"lifetime_s\" is no time up to 3650 days");
  }
  return std::time(nullptr) + static_cast<std::int64_t>(**lifetime);
}

}  // namespace sluice::http
