#include "http/router.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>

#include "http/credentials.h"
#include "http/syntax.h"
#include "http/target.h"

namespace sluice::http {
namespace {

bool fits(std::string_view pattern, std::string_view path) {
  // Where the pattern ends most paths have another character: that costs less than to compare both.
  if (path.size() < pattern.size() || path[pattern.size() - 1] != pattern.back()) return false;
  return pattern.size() > 1 && pattern.back() == '/' ? path.starts_with(pattern) : path == pattern;
}

// The rows of the longest pattern that fits, which stand side by side; none where no one does.
std::span<const route> find_rows(std::span<const route> table, std::string_view path) {
  const route* best = nullptr;
  for (const auto& row : table) {
    if ((best == nullptr || row.path.size() > best->path.size()) && fits(row.path, path)) {
      best = &row;
    }
  }
  if (best == nullptr) return {};
  const auto from = table.subspan(static_cast<std::size_t>(best - table.data()));
  const auto end =
      std::ranges::find_if(from, [best](const route& row) { return row.path != best->path; });
  return from.first(static_cast<std::size_t>(end - from.begin()));
}

const route* find_route(std::span<const route> rows, std::string_view method) {
  const auto row_of = [rows](std::string_view wanted) -> const route* {
    const auto found = std::ranges::find(rows, wanted, &route::method);
    return found == rows.end() ? nullptr : &*found;
  };
  if (const auto* row = row_of(method)) return row;
  if (method == "HEAD") {
    if (const auto* row = row_of("GET")) return row;
  }
  return row_of("*");
}

std::string allowed_methods(std::span<const route> rows) {
  std::string allowed;
  bool head = false;
  for (const auto& row : rows) {
    if (row.method == "*" || allowed.find(row.method) != std::string::npos) continue;
    allowed += std::string(row.method) + ", ";
    head = head || row.method == "GET";
  }
  if (head && allowed.find("HEAD") == std::string::npos) allowed += "HEAD, ";
  return allowed + "OPTIONS";
}

// What a caller has to have somewhere.
std::optional<base::right> right_for(need needs) {
  switch (needs) {
    case need::none:
    case need::session: return std::nullopt;
    case need::see:
    case need::follow: return base::right::see;
    case need::take: return base::right::take;
    case need::give: return base::right::give;
    case need::change: return base::right::change;
    case need::talk: return base::right::talk;
    case need::admin: return base::right::admin;
  }
  return base::right::admin;
}

parsed<void> check_rights(need needs, const base::caller& who, std::string_view path) {
  const auto wanted = right_for(needs);
  if (!wanted || who.may_below({}).has(*wanted)) return {};
  who.note_refusal(*wanted, path);
  const std::string what = "the right to " + std::string(name_of(*wanted));
  if (who.is_known()) {
    return std::unexpected(problem(status::forbidden, what + " is missing, here and elsewhere"));
  }
  return std::unexpected(problem(status::unauthorized, what + " needs a login"));
}

bool is_address(const std::string& host) {
  boost::system::error_code no_address;
  if (host.contains(':')) {
    (void)boost::asio::ip::make_address_v6(host, no_address);
  } else {
    (void)boost::asio::ip::make_address_v4(host, no_address);
  }
  return !no_address;
}

}  // namespace

bool goes_by(const std::string& host, const service& shared) {
  return host.empty() || host == "localhost" || is_address(host) ||
         std::ranges::find(shared.hosts, host) != shared.hosts.end();
}

namespace {

// Where it comes from.
parsed<void> check_source(const request& asked, need needs, const service& shared) {
  if (!goes_by(asked.host, shared)) {
    return std::unexpected(
        problem(status::misdirected_request, "this server does not go by the name " + asked.host +
                                                 "; \"sluice serve --host " + asked.host +
                                                 "\" says it does"));
  }
  const bool writes =
      needs == need::give || needs == need::change || needs == need::talk || needs == need::admin;
  const bool is_held_to_origin = writes || needs == need::follow || needs == need::session;
  if (!is_held_to_origin || !asked.has("Origin")) return {};
  const std::string origin = asked.field("Origin");
  const std::string ours = (asked.is_tls ? "https://" : "http://") + asked.field("Host");
  if (equals_ignoring_case(origin, ours)) return {};
  return std::unexpected(problem(
      status::forbidden,
      "a page of " + origin + " may not " + (writes ? "change anything here" : "do this here")));
}

// What the record calls this way of asking.
base::origin origin_of(const exchange& now, const route& row) {
  const auto begins = [&row](std::string_view text) { return row.path.starts_with(text); };
  std::string_view spoken = "api";
  if (begins("/files/")) spoken = now.asked().parameter("archive") ? "archive" : "files";
  if (begins("/tus")) spoken = "tus";
  if (begins("/uploads/")) spoken = "resumable";
  if (begins("/live")) spoken = "websocket";
  return {now.from(), spoken};
}

response no_such_method(std::span<const route> rows, const request& asked) {
  const bool asks = asked.method == "OPTIONS";
  response refused = asks ? response(status::no_content)
                          : response(problem(status::method_not_allowed,
                                             asked.method + " is not for " + asked.path));
  refused.add("Allow", allowed_methods(rows));
  return refused;
}

response refuse(const problem& why, const request& asked) {
  response refused(why);
  add_challenge(refused, why.code, asked);
  return refused;
}

awaitable<result<void>> answer_caller(exchange& now, service& shared, const route& row) {
  const request& asked = now.asked();
  const auto below =
      std::string_view(asked.path).substr(std::min(row.path.size(), asked.path.size()));
  const auto allowed = check_rights(row.needs, *now.caller(), below);
  if (!allowed) return now.answer(refuse(allowed.error(), asked));
  now.show_in(shared.visitors);
  return row.answer(now, shared);
}

// For who brings a credential.
awaitable<result<void>> identify_and_answer(exchange& now, service& shared, const route& row) {
  const auto denied = co_await identify(now, shared);
  if (denied) {
    const auto refused = refuse_login(*denied, now.asked());
    co_return co_await now.send(refused);
  }
  const auto here = now.take_place(shared.gate.accounts().budget_of(now.caller()->id()));
  if (!here) {
    const auto refused = refuse_login({here.error(), std::chrono::seconds(1)}, now.asked());
    co_return co_await now.send(refused);
  }
  co_return co_await answer_caller(now, shared, row);
}

}  // namespace

awaitable<result<void>> dispatch(exchange& now, service& shared) {
  const request& asked = now.asked();
  const auto table = routes(shared.shows);
  if (asked.path == "*") return now.answer(no_such_method(table, asked));
  const auto rows = find_rows(table, asked.path);
  if (rows.empty()) {
    return now.answer(problem(status::not_found, "there is nothing under " + asked.path));
  }
  const route* row = find_route(rows, asked.method);
  if (row == nullptr) return now.answer(no_such_method(rows, asked));
  now.answer_for(shared.gate.stranger(origin_of(now, *row)));
  if (const auto allowed = check_source(asked, row->needs, shared); !allowed) {
    return now.answer(refuse(allowed.error(), asked));
  }
  if (asked.has("Authorization") || asked.has("Cookie")) {
    return identify_and_answer(now, shared, *row);
  }
  return answer_caller(now, shared, *row);
}

}  // namespace sluice::http
