// What the table of docs/wire.md, section 4, says of each kind.
#include "wire/kind.h"

#include <algorithm>
#include <array>

#include "wire/block_head.h"

namespace sluice::wire {
namespace {

constexpr kind_facts unknown{.name = "unknown kind",
                             .request = numbered::sometimes,
                             .max_body_bytes = max_control_body_bytes,
                             .known = false};

constexpr kind_facts control(std::string_view name, std::string_view message, senders from,
                             numbered request = numbered::always) {
  return {.name = name,
          .message = message,
          .from = from,
          .request = request,
          .max_body_bytes = max_control_body_bytes};
}

constexpr kind_facts plain(std::string_view name) {
  return {.name = name, .request = numbered::sometimes, .max_body_bytes = max_ping_body_bytes};
}

constexpr std::array<kind_facts, 64> make_table() {
  std::array<kind_facts, 64> table;
  table.fill(unknown);
  const auto at = [&table](kind k) -> kind_facts& { return table[static_cast<std::size_t>(k)]; };
  using enum senders;
  at(kind::hello) = control("HELLO", "sluice.v1.Hello", both, numbered::never);
  at(kind::ping) = plain("PING");
  at(kind::pong) = plain("PONG");
  at(kind::error) = control("ERROR", "sluice.v1.Error", server, numbered::sometimes);
  at(kind::ok) = control("OK", "sluice.v1.Ok", server);
  at(kind::login) = control("LOGIN", "sluice.v1.Login", client);
  at(kind::list) = control("LIST", "sluice.v1.List", client);
  at(kind::entries) = control("ENTRIES", "sluice.v1.Entries", server);
  at(kind::stat) = control("STAT", "sluice.v1.Stat", client);
  at(kind::entry) = control("ENTRY", "sluice.v1.Entry", server);
  at(kind::get) = control("GET", "sluice.v1.Get", client);
  at(kind::content) = control("CONTENT", "sluice.v1.Content", server);
  at(kind::content_end) = control("CONTENT_END", "sluice.v1.Ok", server);
  at(kind::received) = control("RECEIVED", "sluice.v1.Received", client);
  at(kind::digests) = control("DIGESTS", "sluice.v1.Digests", client);
  at(kind::digest_run) = control("DIGEST_RUN", "sluice.v1.DigestRun", server);
  at(kind::block) = {.name = "BLOCK",
                     .min_body_bytes = block_head_bytes + 1,
                     .max_body_bytes = max_block_body_bytes};
  at(kind::put) = control("PUT", "sluice.v1.Put", client);
  at(kind::put_opened) = control("PUT_OPENED", "sluice.v1.PutOpened", server);
  at(kind::blocks_durable) = control("BLOCKS_DURABLE", "sluice.v1.BlocksDurable", server);
  at(kind::block_refused) = control("BLOCK_REFUSED", "sluice.v1.BlockRefused", server);
  at(kind::checkpoint) = control("CHECKPOINT", "sluice.v1.Checkpoint", client);
  at(kind::put_finish) = control("PUT_FINISH", "sluice.v1.PutFinish", client);
  at(kind::put_done) = control("PUT_DONE", "sluice.v1.PutDone", server);
  at(kind::put_abort) = control("PUT_ABORT", "sluice.v1.PutAbort", client);
  at(kind::put_leave) = control("PUT_LEAVE", "sluice.v1.PutLeave", client);
  at(kind::make_folder) = control("MAKE_FOLDER", "sluice.v1.MakeFolder", client);
  at(kind::rename) = control("RENAME", "sluice.v1.Rename", client);
  at(kind::remove) = control("REMOVE", "sluice.v1.Remove", client);
  at(kind::scrub) = control("SCRUB", "sluice.v1.Scrub", client);
  at(kind::scrub_report) = control("SCRUB_REPORT", "sluice.v1.ScrubReport", server);
  at(kind::talk_read) = control("TALK_READ", "sluice.v1.TalkRead", client);
  at(kind::talk_page) = control("TALK_PAGE", "sluice.v1.TalkPage", server);
  at(kind::talk_join) = control("TALK_JOIN", "sluice.v1.TalkJoin", client);
  at(kind::talk_news) = control("TALK_NEWS", "sluice.v1.TalkNews", server);
  at(kind::talk_leave) = control("TALK_LEAVE", "sluice.v1.TalkLeave", client);
  at(kind::talk_say) = control("TALK_SAY", "sluice.v1.TalkSay", client);
  at(kind::talk_said) = control("TALK_SAID", "sluice.v1.TalkSaid", server);
  at(kind::talk_amend) = control("TALK_AMEND", "sluice.v1.TalkAmend", client);
  at(kind::talk_typing) = control("TALK_TYPING", "sluice.v1.TalkTyping", client);
  return table;
}

constexpr auto table = make_table();

}  // namespace

const kind_facts& facts_of(kind k) noexcept {
  const auto number = static_cast<std::size_t>(k);
  return number < table.size() ? table[number] : unknown;
}

bool is_known(kind k) noexcept { return facts_of(k).known; }

std::string_view name_of(kind k) noexcept { return facts_of(k).name; }

std::size_t max_body_bytes(kind k) noexcept { return facts_of(k).max_body_bytes; }

bool may_send(side from, kind k) noexcept {
  const auto allowed = facts_of(k).from;
  if (allowed == senders::both) return true;
  return (allowed == senders::client) == (from == side::client);
}

bool belongs_to_put(kind k) noexcept {
  using enum kind;
  return k == block || k == checkpoint || k == put_finish || k == put_abort || k == put_leave;
}

bool begins_request(kind k) noexcept {
  return facts_of(k).from == senders::client && !belongs_to_put(k);
}

}  // namespace sluice::wire
