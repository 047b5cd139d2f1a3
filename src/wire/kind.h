// The kinds of frames, and what is fixed about each (docs/wire.md, section 4). Pure functions;
// usable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::wire {

inline constexpr std::size_t max_control_body_bytes = 262'144;
inline constexpr std::size_t max_ping_body_bytes = 64;

enum class kind : std::uint8_t {
  hello = 1,
  ping = 2,
  pong = 3,
  error = 4,
  ok = 5,
  login = 6,
  list = 16,
  entries = 17,
  stat = 18,
  entry = 19,
  get = 20,
  content = 21,
  content_end = 22,
  received = 23,
  digests = 24,
  digest_run = 25,
  block = 32,
  put = 33,
  put_opened = 34,
  blocks_durable = 35,
  block_refused = 36,
  checkpoint = 37,
  put_finish = 38,
  put_done = 39,
  put_abort = 40,
  put_leave = 41,
  make_folder = 48,
  rename = 49,
  remove = 50,
  scrub = 51,
  scrub_report = 52,
  talk_read = 53,
  talk_page = 54,
  talk_join = 55,
  talk_news = 56,
  talk_leave = 57,
  talk_say = 58,
  talk_said = 59,
  talk_amend = 60,
  talk_typing = 61,
};

enum class side : std::uint8_t { client, server };
enum class senders : std::uint8_t { both, client, server };
// Whether frames of a kind carry the number of a request, or 0.
enum class numbered : std::uint8_t { always, never, sometimes };

struct kind_facts {
  std::string_view name{};     // "PUT_FINISH"
  std::string_view message{};  // "sluice.v1.PutFinish"; empty where the body is no protobuf message
  senders from = senders::both;
  numbered request = numbered::always;
  std::size_t min_body_bytes = 0;
  std::size_t max_body_bytes = 0;
  bool known = true;
};

// Of an unknown kind: both may send it, with or without a number, up to a control frame's limit.
[[nodiscard]] const kind_facts& facts_of(kind k) noexcept;

[[nodiscard]] bool is_known(kind k) noexcept;
// As the page names it; "unknown kind" for those that it does not name.
[[nodiscard]] std::string_view name_of(kind k) noexcept;
[[nodiscard]] bool may_send(side from, kind k) noexcept;
// Kinds of a client that begin a request: the number must be a new one.
[[nodiscard]] bool begins_request(kind k) noexcept;
// Kinds of a client that belong to an open PUT: BLOCK, CHECKPOINT, PUT_FINISH, PUT_ABORT,
// PUT_LEAVE.
[[nodiscard]] bool belongs_to_put(kind k) noexcept;
[[nodiscard]] std::size_t max_body_bytes(kind k) noexcept;

}  // namespace sluice::wire
