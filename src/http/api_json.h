// What the requests of the API have in common. Internal to its files.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/exchange.h"
#include "http/problem.h"
#include "transfer/tree.h"

namespace sluice::http {

using json = nlohmann::ordered_json;

// A file or a folder, as every answer tells it. `path` is its path below the served folder.
[[nodiscard]] json to_json(const store::entry& entry, std::string_view path);

awaitable<result<void>> send_json(exchange& now, status code, const json& value);

// The body of a request: one JSON object of at most 64 KiB, sent as application/json (so that no
// page of another origin can send one without asking). `into` is the object, or what to answer
// instead; the result is what the connection said.
awaitable<result<void>> read_object(exchange& now, parsed<json>& into);

// The same, read by `read`; without a wish the request has been refused.
template <class Wish>
awaitable<result<void>> take_wish(exchange& now, parsed<Wish> (*read)(const json&),
                                  std::optional<Wish>& wish) {
  parsed<json> object = json();
  const auto came = co_await read_object(now, object);
  if (!came) co_return came;
  if (!object) co_return co_await now.refuse(object.error());
  auto wanted = read(*object);
  if (!wanted) co_return co_await now.refuse(wanted.error());
  wish = std::move(*wanted);
  co_return result<void>{};
}

// Members of such an object, checked: 400 where one is missing or of another type.
[[nodiscard]] parsed<std::string> text_of(const json& object, std::string_view name);
[[nodiscard]] parsed<bool> flag_of(const json& object, std::string_view name);  // false: not there

// A whole number that is not negative; none where it is not there, or null.
[[nodiscard]] result<std::optional<std::uint64_t>> count_of(const json& object,
                                                            std::string_view name);
// "lifetime_s", up to 3650 days: when that is over, in seconds of the wall clock.
[[nodiscard]] result<std::optional<std::int64_t>> end_of(const json& object);

}  // namespace sluice::http
