// receive: what somebody sends to us, and nobody serves.
#include <fmt/format.h>

#include "base/text.h"
#include "client/client.h"
#include "client/get_all.h"
#include "client/names.h"
#include "client/requests.h"
#include "wire/error_message.h"

namespace sluice::client {
namespace {

class receiver {
 public:
  receiver(session& owner, std::string target, const receive_options& options, observer& watcher)
      : session_(owner), target_(std::move(target)), options_(options), watcher_(watcher) {
    sender_.host = owner.door()->where().host;
    sender_.port = owner.door()->where().port;
  }

  awaitable<result<summary>> run_all();

 private:
  awaitable<result<summary>> receive_once();
  awaitable<result<std::string>> ask_name();
  [[nodiscard]] bool is_worth_waiting(const error& why) const;
  awaitable<void> tell(std::optional<error> failed);
  awaitable<result<void>> send_word(v1::Received word);

  session& session_;
  const std::string target_;
  const receive_options options_;
  observer& watcher_;
  url sender_;
  bool was_met_ = false;
};

awaitable<result<summary>> receiver::run_all() {
  auto got = co_await receive_once();
  while (!got && is_worth_waiting(got.error())) {
    watcher_.on_notice(fmt::format("{}; the sender is waited for", got.error().message()));
    session_.progress().begin_anew();
    got = co_await receive_once();
  }
  std::optional<error> failed;
  if (!got) failed = got.error();
  co_await tell(std::move(failed));
  co_return got;
}

// What went into a pipe cannot go there again.
bool receiver::is_worth_waiting(const error& why) const {
  return session_.door()->listens() && is_of_connection(why) && !session_.stopping() &&
         target_ != "-";
}

awaitable<result<summary>> receiver::receive_once() {
  session_.progress().enter(phase::connecting, sender_.authority());
  auto name = co_await ask_name();
  if (!name) co_return std::unexpected(std::move(name.error()));
  url source = sender_;
  source.path = std::move(*name);
  std::vector<url> sources{std::move(source)};
  auto got = co_await get_all(session_, std::move(sources), target_,
                              static_cast<const get_options&>(options_));
  co_return got;
}

awaitable<result<std::string>> receiver::ask_name() {
  auto by = co_await session_.open(sender_);
  if (!by) co_return std::unexpected(about(by.error(), "receive"));
  was_met_ = true;
  std::string name = (*by)->offers();
  session_.give_back(std::move(*by));
  if (name.empty()) co_return fail(errc::unsupported, "receive: nothing is sent there");
  if (const auto fault = fault_of_name(name); !fault.empty()) {
    co_return fail(errc::invalid_argument,
                   fmt::format("receive \"{}\": {}", base::escape_unsafe(name), fault));
  }
  co_return name;
}

awaitable<result<void>> receiver::send_word(v1::Received word) {
  auto by = co_await session_.open(sender_);
  if (!by) co_return std::unexpected(std::move(by.error()));
  auto heard = co_await ask<v1::Ok>(*by, wire::kind::received, std::move(word), wire::kind::ok);
  session_.give_back(std::move(*by));
  if (!heard) co_return std::unexpected(std::move(heard.error()));
  co_return result<void>{};
}

// Who waits for us may know how it ended. That it cannot be told changes nothing here.
awaitable<void> receiver::tell(std::optional<error> failed) {
  if (!was_met_ || session_.stopping()) co_return;
  if (failed && is_of_connection(*failed)) co_return;
  steady_timer limit(session_.where(), session_.timeout());
  limit.async_wait([door = session_.door()](const boost::system::error_code& cancelled) {
    if (!cancelled) door->close();
  });
  v1::Received word;
  if (failed) *word.mutable_error() = wire::to_wire(*failed);
  const auto heard = co_await send_word(std::move(word));
  limit.cancel();
  if (heard || failed) co_return;
  watcher_.on_notice("all is here, but the sender could not be told: " + heard.error().message());
}

}  // namespace

result<summary> receive(const std::string& target, const receive_options& options,
                        observer& watcher) {
  session work(options, watcher);
  auto meeting = options.meeting;
  meeting.role = net::direct_role::receiver;
  meeting.timeout = options.timeout;
  if (auto met = work.meet(std::move(meeting)); !met) return std::unexpected(met.error());
  receiver all(work, target, options, watcher);
  return work.run(all.run_all());
}

}  // namespace sluice::client
