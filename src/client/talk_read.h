// TALK_READ: pages of a conversation. Internal to the engine.
#pragma once

#include <memory>

#include "client/connection.h"
#include "wire/sluice.pb.h"

namespace sluice::client {

// One page, from all of its frames.
awaitable<result<v1::TalkPage>> read_page(std::shared_ptr<connection> of, v1::TalkRead asked);

// unsupported, where the server knows no conversations.
[[nodiscard]] result<void> check_talks(const connection& with, const url& room);

}  // namespace sluice::client
