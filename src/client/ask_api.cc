// What is asked of a server's API as it stands: who we are, and all that has to do with accounts.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/client.h"
#include "client/http_link.h"
#include "client/json_text.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/silent_observer.h"

namespace sluice::client {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;

awaitable<result<std::string>> ask(session& owner, url server, std::string target,
                                   std::optional<std::string> body) {
  const std::string doing = fmt::format("ask {} for {}", server.authority(), target);
  const auto by = co_await http_link::open(owner, std::move(server));
  if (!by) co_return std::unexpected(about(by.error(), doing));
  result<void> asked;
  if (body) {
    asked = co_await (*by)->post(std::move(target), std::move(*body));
  } else {
    asked = co_await (*by)->get(std::move(target));
  }
  if (!asked) co_return std::unexpected(asked.error());
  const auto text = co_await (*by)->read_text(answer_bytes_max);
  if (!text) co_return std::unexpected(about(text.error(), doing));
  co_return *text;
}

awaitable<result<identity>> find_identity(session& owner, url server) {
  const std::string doing = "ask " + server.authority() + " who we are";
  const auto by = co_await http_link::open(owner, std::move(server));
  if (!by) co_return std::unexpected(about(by.error(), doing));
  identity found;
  const auto asked = co_await (*by)->get("/api/me");
  if (!asked && (*by)->wants_password()) {
    found.is_link = found.wants_password = true;
    co_return found;
  }
  if (!asked) co_return std::unexpected(asked.error());
  const auto text = co_await (*by)->read_text(answer_bytes_max);
  if (!text) co_return std::unexpected(about(text.error(), doing));
  const auto told = nlohmann::json::parse(*text, nullptr, false);
  if (!told.is_object()) co_return fail(errc::bad_frame, doing + ": no JSON object came");
  found.account = text_in(told, "account");
  found.is_link = told.contains("link") && told["link"].is_object();
  found.gives = found.is_link && text_in(told["link"], "does") != "watch";
  found.path = text_in(told, "path");
  co_return found;
}

}  // namespace

result<std::string> ask_api(const url& server, const std::string& target,
                            const std::optional<std::string>& body,
                            const session_options& options) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(ask(work, server, target, body));
}

result<identity> who_am_i(const url& server, const session_options& options) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(find_identity(work, server));
}

}  // namespace sluice::client
