// Conversations for both, /api and /live: from what a client named to what is done.
#pragma once

#include <optional>
#include <string>

#include "http/problem.h"
#include "http/service.h"
#include "sluice/awaitable.h"
#include "talk/conversations.h"

namespace sluice::http {

using talk_room = base::permitted<base::right::talk>;

// Who talks: the account, or a guest by the name that it gives, "" for none. Guests are slowed down
// by their address.
[[nodiscard]] talk::person person_of(service& shared, const base::caller& who, std::string name,
                                     const tcp_endpoint& from);

// Durable, then answered. The arguments outlive the coroutines; errors as talk/conversations.h has
// them, and of tree::permit_talk.
awaitable<result<talk::spoken_ptr>> say(service& shared, const base::caller_ptr& who,
                                        const std::string& path, const talk::draft& what,
                                        const talk::person& by);
awaitable<result<talk::spoken_ptr>> amend(service& shared, const base::caller_ptr& who,
                                          const std::string& path, const talk::amendment& what,
                                          const talk::person& by);

}  // namespace sluice::http
