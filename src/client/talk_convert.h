// The messages of a conversation as the protocol has them. Internal to the engine.
#pragma once

#include "client/talk.h"
#include "wire/sluice.pb.h"

namespace sluice::client {

[[nodiscard]] inline talk_message to_message(const v1::TalkMessage& told) {
  talk_message made;
  made.path = told.path();
  made.id = told.id();
  made.version = told.version();
  made.author = told.author();
  made.guest = told.guest();
  made.mine = told.mine();
  made.time_ms = told.time_ms();
  made.text = told.text();
  if (told.has_at_ms()) made.at_ms = told.at_ms();
  if (told.has_until_ms()) made.until_ms = told.until_ms();
  if (told.has_reply_to()) made.reply_to = told.reply_to();
  made.resolved = told.resolved();
  made.edited = told.edited();
  made.deleted = told.deleted();
  return made;
}

}  // namespace sluice::client
