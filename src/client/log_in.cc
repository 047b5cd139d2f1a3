// Saying who one is, and nothing else.
#include <fmt/format.h>

#include <boost/asio/ip/host_name.hpp>
#include <charconv>

#include "client/client.h"
#include "client/http_link.h"
#include "client/json_text.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/silent_observer.h"

namespace sluice::client {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{64} << 10;
// Who comes together with many others is asked to come again in a second (docs/api.md, "Wrong
// passwords"). That is no work for people; a longer wait, behind wrong passwords, they have to see.
constexpr int tries_max = 4;
constexpr std::chrono::seconds wait_max{2};

awaitable<result<void>> log_in_once(session& owner, url server) {
  const auto doing = fmt::format("log in to {}", server.authority());
  auto by = co_await owner.open(std::move(server));
  if (!by) co_return std::unexpected(about(by.error(), doing));
  if ((*by)->has("login")) co_return result<void>{};
  co_return fail(errc::unsupported, doing + ": this server knows no accounts");
}

std::string text_of(const password_login& who) {
  nlohmann::json wish;
  if (!who.account.empty()) wish["account"] = who.account;
  if (!who.link.empty()) wish["link"] = who.link.reveal();
  wish["password"] = who.password.reveal();
  if (!who.new_password.empty()) wish["new_password"] = who.new_password.reveal();
  boost::system::error_code unknown;
  wish["label"] = "sluice on " + asio::ip::host_name(unknown);
  wish["bearer"] = true;
  return wish.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct refused {
  error why;
  std::chrono::seconds wait{0};  // after which it is worth to come again; 0: nobody knows
};
using attempt = std::expected<std::string, refused>;

std::chrono::seconds wait_in(const http_link& answer) {
  const auto text = answer.field("Retry-After");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::chrono::seconds(seconds);
}

awaitable<attempt> say_password(session& owner, url server, std::string wish) {
  const auto doing = fmt::format("log in to {}", server.authority());
  const auto by = co_await http_link::open(owner, std::move(server));
  if (!by) co_return std::unexpected(refused{about(by.error(), doing)});
  const auto asked = co_await (*by)->post("/api/login", std::move(wish));
  if (!asked) co_return std::unexpected(refused{asked.error(), wait_in(**by)});
  auto text = co_await (*by)->read_text(answer_bytes_max);
  if (!text) co_return std::unexpected(refused{about(text.error(), doing)});
  co_return std::move(*text);
}

result<session_token> read_token(std::string text, const std::string& authority) {
  const auto told = nlohmann::json::parse(text, nullptr, false);
  base::wipe(text);
  session_token made{base::secret(text_in(told, "token"))};
  if (made.text.empty()) {
    return fail(errc::unsupported,
                "log in to " + authority + ": this server gives no token for a password");
  }
  const auto expires = told.find("token_expires_ms");
  if (expires != told.end() && expires->is_number()) {
    made.expires_s = expires->get<std::int64_t>() / 1000;
  }
  return made;
}

awaitable<result<session_token>> trade(session& owner, url server, const password_login& who) {
  const auto authority = server.authority();
  for (int tries = 1;; ++tries) {
    auto answer = co_await say_password(owner, server, text_of(who));
    if (answer) co_return read_token(std::move(*answer), authority);
    const auto& [why, wait] = answer.error();
    const bool is_crowd = why.code == errc::busy && wait.count() > 0 && wait <= wait_max;
    if (!is_crowd || tries == tries_max) co_return std::unexpected(why);
    co_await owner.rest(wait);
  }
}

}  // namespace

result<void> log_in(const url& server, const session_options& options) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(log_in_once(work, server));
}

result<session_token> log_in(const url& server, const password_login& who,
                             const session_options& options) {
  auto unknown = options;
  unknown.keys.reset();
  silent_observer nobody;
  session work(unknown, nobody);
  work.expect_secrets();
  return work.run(trade(work, server, who));
}

}  // namespace sluice::client
