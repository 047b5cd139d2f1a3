// Conversations on one connection: TALK_READ, TALK_JOIN, TALK_LEAVE, TALK_SAY, TALK_AMEND,
// TALK_TYPING (docs/wire.md, section 7).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "native/session.h"
#include "talk/conversations.h"

namespace sluice::native {

// Owned by the session, on its thread. What was joined goes on until it is left, the right to it is
// lost, or the session ends; it does not keep a session that is idle otherwise from ending.
class talks {
 public:
  explicit talks(session& of);

  // The coroutines that answer; the session's to run.
  awaitable<void> join(std::shared_ptr<session> self, std::uint32_t request, v1::TalkJoin message);
  awaitable<void> read(std::shared_ptr<session> self, std::uint32_t request, v1::TalkRead message);
  awaitable<void> leave(std::shared_ptr<session> self, std::uint32_t request,
                        v1::TalkLeave message);
  awaitable<void> say(std::shared_ptr<session> self, std::uint32_t request, v1::TalkSay message);
  awaitable<void> amend(std::shared_ptr<session> self, std::uint32_t request,
                        v1::TalkAmend message);
  awaitable<void> type(std::shared_ptr<session> self, std::uint32_t request,
                       v1::TalkTyping message);

  // Now and then: what nobody is woken for.
  void look(std::chrono::steady_clock::time_point now);
  // Tells no more. `is_over` once nothing of it runs.
  void end();
  [[nodiscard]] bool is_over() const noexcept { return !telling_; }

 private:
  struct place {  // where news of a room go
    std::uint32_t request = 0;
    base::caller_ptr who;
  };

  talk::listener& hears();
  static awaitable<void> tell_all(std::shared_ptr<session> self, talks& all);
  void tell(const talk::news& what);
  void tell_message(const place& where, const talk::spoken& said);
  void finish(const std::string& path, v1::TalkWhat why, const std::string& text,
              std::int64_t version = 0);
  awaitable<result<void>> catch_up(std::shared_ptr<session> self, std::uint32_t request,
                                   base::permitted<base::right::talk> room, std::int64_t told,
                                   std::int64_t end);
  [[nodiscard]] talk::person speaker_in(const std::string& path, const std::string& name);

  session& session_;
  std::unique_ptr<talk::listener> hears_;
  std::map<std::string, place, std::less<>> joined_;  // by the path that was told last
  net::signal changed_;
  std::shared_ptr<talks*> alive_;  // for wake-ups that come late
  bool telling_ = false;
  bool ended_ = false;
};

}  // namespace sluice::native
