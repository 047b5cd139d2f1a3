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

awaitable<result<talk::spoken_ptr>> say(service& shared, const base::caller_ptr& who,
                                        const std::string& path, const talk::draft& what,
                                        const talk::person& by) {
  const auto start = [&](const auto& complete) {
    boost::asio::post(shared.pool, [&, complete] {
      const auto room = shared.tree.permit_talk(who, path);
      if (!room) return complete(std::unexpected(room.error()));
      shared.talk.say(*room, what, by, [complete](auto said) { complete(std::move(said)); });
    });
  };
  co_return co_await net::from_callback<result<talk::spoken_ptr>>(start);
}

awaitable<result<talk::spoken_ptr>> amend(service& shared, const base::caller_ptr& who,
                                          const std::string& path, const talk::amendment& what,
                                          const talk::person& by) {
  const auto start = [&](const auto& complete) {
    boost::asio::post(shared.pool, [&, complete] {
      const auto room = shared.tree.permit_talk(who, path);
      if (!room) return complete(std::unexpected(room.error()));
      shared.talk.amend(*room, what, by, [complete](auto said) { complete(std::move(said)); });
    });
  };
  co_return co_await net::from_callback<result<talk::spoken_ptr>>(start);
}

}  // namespace sluice::http
