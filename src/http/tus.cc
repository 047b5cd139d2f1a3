#include "http/tus.h"

#include <limits>

#include "http/syntax.h"
#include "http/tus_steps.h"

namespace sluice::http {
namespace {

constexpr std::string_view extensions =
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,"
    "termination,concatenation,concatenation-unfinished";
constexpr std::string_view methods = "OPTIONS, POST, HEAD, PATCH, DELETE";

awaitable<result<void>> tell_options(exchange& now) {
  response answer(status::no_content);
  answer.add("Tus-Resumable", tus_version)
      .add("Tus-Version", tus_version)
      .add("Tus-Extension", extensions)
      .add("Tus-Max-Size", std::to_string(base::file_bytes_max))
      .add("Tus-Checksum-Algorithm", tus_checksum_algorithms)
      .add("Allow", methods);
  co_return co_await now.send(answer);
}

awaitable<result<void>> terminate(exchange& now, service& shared) {
  const auto row = co_await tus_facts(now, shared);
  if (!row) co_return co_await tus_refuse(now, row.error());
  const auto removed = co_await net::on_pool(
      shared.pool, [&shared, &now, &row] { return shared.uploads.remove(row->id, now.caller()); });
  if (!removed) co_return co_await tus_refuse(now, removed.error());
  const auto answer = tus_response(status::no_content);
  co_return co_await now.send(answer);
}

awaitable<result<void>> refuse_version(exchange& now) {
  const problem why(status::precondition_failed,
                    "this server speaks tus " + std::string(tus_version) +
                        ", and the request does not say so in Tus-Resumable");
  auto answer = tus_refusal(why);
  answer.add("Tus-Version", tus_version);
  co_return co_await now.send(answer);
}

awaitable<result<void>> refuse_method(exchange& now) {
  const problem why(status::method_not_allowed, "tus has no such request here");
  auto answer = tus_refusal(why);
  answer.add("Allow", methods);
  co_return co_await now.send(answer);
}

}  // namespace

awaitable<result<void>> tus(exchange& now, service& shared) {
  const auto& asked = now.asked();
  std::string method = asked.field("X-HTTP-Method-Override");
  if (method.empty()) method = asked.method;
  if (method == "OPTIONS") co_return co_await tell_options(now);
  if (asked.field("Tus-Resumable") != tus_version) co_return co_await refuse_version(now);
  if (method == "POST") co_return co_await tus_create(now, shared);
  if (method == "PATCH") co_return co_await tus_append(now, shared);
  if (method == "HEAD") co_return co_await tus_look(now, shared);
  if (method == "DELETE") co_return co_await terminate(now, shared);
  co_return co_await refuse_method(now);
}

}  // namespace sluice::http
