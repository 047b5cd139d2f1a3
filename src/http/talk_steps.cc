#include "http/talk_steps.h"

#include <boost/asio/post.hpp>

#include "net/address_key.h"
#include "net/on_pool.h"

namespace sluice::http {

talk::person person_of(service& shared, const base::caller& who, std::string name,
                       const tcp_endpoint& from) {
  std::string account = who.is_known() ? shared.gate.accounts().name_of(who.id()) : "";
  return talk::person_of(who, std::move(account), std::move(name), net::address_key(from));
}

namespace {

using outcome = result<talk::spoken_ptr>;

// On the pool: `ask` with the room, and a callback that ends the wait.
template <class Ask>
awaitable<outcome> ask_in_room(service& shared, const base::caller_ptr& who,
                               const std::string& path, const Ask& ask) {
  const auto start = [&](const auto& complete) {
    boost::asio::post(shared.pool, [&, complete] {
      const auto room = shared.tree.permit_talk(who, path);
      if (!room) return complete(std::unexpected(room.error()));
      ask(*room, [complete](outcome said) { complete(std::move(said)); });
    });
  };
  co_return co_await net::from_callback<outcome>(start);
}

}  // namespace

awaitable<outcome> say(service& shared, const base::caller_ptr& who, const std::string& path,
                       const talk::draft& what, const talk::person& by) {
  const auto ask = [&](const talk_room& room, auto done) {
    shared.talk.say(room, what, by, std::move(done));
  };
  co_return co_await ask_in_room(shared, who, path, ask);
}

awaitable<outcome> amend(service& shared, const base::caller_ptr& who, const std::string& path,
                         const talk::amendment& what, const talk::person& by) {
  const auto ask = [&](const talk_room& room, auto done) {
    shared.talk.amend(room, what, by, std::move(done));
  };
  co_return co_await ask_in_room(shared, who, path, ask);
}

}  // namespace sluice::http
