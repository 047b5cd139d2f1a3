// Who has something under way, for who administers the server.
#include "http/api.h"
#include "http/api_json.h"
#include "http/time.h"
#include "net/visitors.h"

namespace sluice::http {
namespace {

constexpr std::size_t told_max = 1000;

json connection_json(const net::visitors::facts& one) {
  const auto since = one.since.time_since_epoch();
  json told;
  told["address"] = one.who->from().address;
  told["protocol"] = one.who->from().protocol;
  told["who"] = one.who->name();
  told["does"] = one.does;
  told["since"] = iso_time(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
  told["received"] = one.received_bytes;
  told["sent"] = one.sent_bytes;
  return told;
}

}  // namespace

awaitable<result<void>> api_connections(exchange& now, service& shared) {
  const auto asked = now.permit<base::right::admin>("");
  if (!asked) co_return std::unexpected(asked.error());
  const auto those = shared.visitors.look(told_max);
  json told;
  told["count"] = those.count;
  told["connections"] = json::array();
  for (const auto& each : those.some) told["connections"].push_back(connection_json(each));
  co_return co_await send_json(now, status::ok, told);
}

}  // namespace sluice::http
