// What the protocol's messages and the talk room call the same thing.
#pragma once

#include <string>

#include "native/service.h"
#include "sluice/awaitable.h"
#include "talk/conversations.h"
#include "wire/message.h"

namespace sluice::native {

using talk_room = base::permitted<base::right::talk>;

// The account, or a guest by the name that it gives; guests are slowed down by their address.
[[nodiscard]] talk::person person_of(service& shared, const base::caller& who,
                                     const std::string& name, const tcp_endpoint& from);

[[nodiscard]] v1::TalkMessage to_wire(const talk::message& what, bool own);
[[nodiscard]] talk::draft draft_of(const v1::TalkSay& said);
[[nodiscard]] talk::amendment amendment_of(const v1::TalkAmend& wanted);
[[nodiscard]] talk::question question_of(const v1::TalkRead& asked);
void add_people(v1::TalkNews& to, const talk::people& there);

// The body of a TALK_NEWS with this one message, made once for all who hear the same.
[[nodiscard]] const std::string& news_body(const talk::spoken& said, bool own);

}  // namespace sluice::native
