#include "http/talk_steps.h"

#include <boost/asio/post.hpp>

#include "net/address_key.h"
#include "net/on_pool.h"

namespace sluice::http {

using base::right;

result<talk_room> find_room(service& shared, const base::caller_ptr& who, const std::string& path) {
  const auto plain = store::rel_path::parse(path);
  if (!plain) return std::unexpected(plain.error());
  auto room = base::permit<right::talk>(who, plain->text());
  if (!room) return room;
  const auto seen = base::permit<right::see>(who, plain->text());
  if (!seen) return std::unexpected(seen.error());
  const auto there = shared.tree.stat(*seen);
  if (!there) return std::unexpected(there.error());
  return room;
}

talk::person person_of(service& shared, const base::caller& who, std::string name,
                       const tcp_endpoint& from) {
  std::string account = who.is_known() ? shared.gate.accounts().name_of(who.id()) : "";
  if (!account.empty()) {
    return {.account_id = who.id(), .name = std::move(account), .paced_as = "account " + who.id()};
  }
  return {.account_id = who.id(),
          .name = name.empty() ? "guest" : std::move(name),
          .guest = true,
          .paced_as = "address " + net::address_key(from)};
}

awaitable<result<talk::spoken_ptr>> say(service& shared, const base::caller_ptr& who,
                                        const std::string& path, const talk::draft& what,
                                        const talk::person& by) {
  const auto start = [&](const auto& complete) {
    boost::asio::post(shared.pool, [&, complete] {
      const auto room = find_room(shared, who, path);
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
      const auto room = find_room(shared, who, path);
      if (!room) return complete(std::unexpected(room.error()));
      shared.talk.amend(*room, what, by, [complete](auto said) { complete(std::move(said)); });
    });
  };
  co_return co_await net::from_callback<result<talk::spoken_ptr>>(start);
}

}  // namespace sluice::http
