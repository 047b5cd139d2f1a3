// For tests and fuzzers: an empty message of the type that a kind's frames carry.
#pragma once

#include <memory>

#include "wire/message.h"

namespace sluice::wire {

// nullptr where the body is no protobuf message.
inline std::unique_ptr<google::protobuf::MessageLite> any_message(kind k) {
  switch (k) {
    case kind::hello: return std::make_unique<v1::Hello>();
    case kind::error: return std::make_unique<v1::Error>();
    case kind::ok:
    case kind::content_end: return std::make_unique<v1::Ok>();
    case kind::login: return std::make_unique<v1::Login>();
    case kind::list: return std::make_unique<v1::List>();
    case kind::entries: return std::make_unique<v1::Entries>();
    case kind::stat: return std::make_unique<v1::Stat>();
    case kind::entry: return std::make_unique<v1::Entry>();
    case kind::get: return std::make_unique<v1::Get>();
    case kind::content: return std::make_unique<v1::Content>();
    case kind::digests: return std::make_unique<v1::Digests>();
    case kind::digest_run: return std::make_unique<v1::DigestRun>();
    case kind::put: return std::make_unique<v1::Put>();
    case kind::put_opened: return std::make_unique<v1::PutOpened>();
    case kind::blocks_durable: return std::make_unique<v1::BlocksDurable>();
    case kind::block_refused: return std::make_unique<v1::BlockRefused>();
    case kind::checkpoint: return std::make_unique<v1::Checkpoint>();
    case kind::put_finish: return std::make_unique<v1::PutFinish>();
    case kind::put_done: return std::make_unique<v1::PutDone>();
    case kind::put_abort: return std::make_unique<v1::PutAbort>();
    case kind::put_leave: return std::make_unique<v1::PutLeave>();
    case kind::received: return std::make_unique<v1::Received>();
    case kind::make_folder: return std::make_unique<v1::MakeFolder>();
    case kind::rename: return std::make_unique<v1::Rename>();
    case kind::remove: return std::make_unique<v1::Remove>();
    case kind::scrub: return std::make_unique<v1::Scrub>();
    case kind::scrub_report: return std::make_unique<v1::ScrubReport>();
    case kind::talk_read: return std::make_unique<v1::TalkRead>();
    case kind::talk_page: return std::make_unique<v1::TalkPage>();
    case kind::talk_join: return std::make_unique<v1::TalkJoin>();
    case kind::talk_news: return std::make_unique<v1::TalkNews>();
    case kind::talk_leave: return std::make_unique<v1::TalkLeave>();
    case kind::talk_say: return std::make_unique<v1::TalkSay>();
    case kind::talk_said: return std::make_unique<v1::TalkSaid>();
    case kind::talk_amend: return std::make_unique<v1::TalkAmend>();
    case kind::talk_typing: return std::make_unique<v1::TalkTyping>();
    case kind::ping:
    case kind::pong:
    case kind::block: return nullptr;
  }
  return nullptr;
}

}  // namespace sluice::wire
