#include "wire/frame_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/any_message.h"
#include "wire/block_head.h"

namespace sluice::wire {
namespace {

using testing::HasSubstr;
using head_array = std::array<std::byte, head_bytes>;

constexpr kind unknown_kind{99};

std::vector<kind> known_kinds() {
  std::vector<kind> kinds;
  for (unsigned k = 0; k < 256; ++k) {
    const auto each = kind{static_cast<std::uint8_t>(k)};
    if (is_known(each)) kinds.push_back(each);
  }
  return kinds;
}

side sender_of(kind k) { return may_send(side::client, k) ? side::client : side::server; }

std::uint32_t request_of(kind k) { return k == kind::hello ? 0 : 7; }

// A head made without the checks of encode_head.
head_array raw(std::uint32_t length, kind k, std::uint8_t flags, std::uint32_t request) {
  const auto at = [](std::uint32_t value, int shift) {
    return static_cast<std::byte>(value >> shift);
  };
  return {
      at(length, 24),   at(length, 16), at(length, 8), at(length, 0),   static_cast<std::byte>(k),
      std::byte{flags}, std::byte{0},   std::byte{0},  at(request, 24), at(request, 16),
      at(request, 8),   at(request, 0)};
}

errc refusal(const head_array& bytes, side from) {
  const auto parsed = parse_head(bytes, from);
  EXPECT_FALSE(parsed);
  return parsed ? errc::internal : parsed.error().code;
}

TEST(frame_head, is_read_as_it_was_made) {
  const frame_head head{
      .body_bytes = 0x0203, .kind = kind::list, .flags = 0xA2, .request = 0x01020304};
  const auto bytes = encode_head(head);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, raw(0x0203 + 8, kind::list, 0xA2, 0x01020304));
  EXPECT_EQ(parse_head(*bytes, side::client), head);
  EXPECT_TRUE(head.is_last());
  EXPECT_FALSE((frame_head{.flags = skippable}.is_last()));
}

TEST(frame_head, its_zero_bytes_are_ignored) {
  auto bytes = raw(8, kind::list, 0, 1);
  bytes[6] = bytes[7] = std::byte{0xFF};
  EXPECT_TRUE(parse_head(bytes, side::client));
}

TEST(frame_head, a_length_without_the_rest_of_the_head_is_refused) {
  EXPECT_TRUE(parse_head(raw(8, kind::list, 0, 1), side::client));
  for (std::uint32_t length = 0; length < 8; ++length) {
    EXPECT_EQ(refusal(raw(length, kind::list, 0, 1), side::client), errc::bad_frame) << length;
  }
}

TEST(frame_head, a_body_at_its_kinds_limit_passes_and_over_it_not) {
  for (const auto k : known_kinds()) {
    const auto limit = static_cast<std::uint32_t>(max_body_bytes(k));
    frame_head head{.body_bytes = limit, .kind = k, .request = request_of(k)};
    const auto bytes = encode_head(head);
    ASSERT_TRUE(bytes) << name_of(k);
    EXPECT_EQ(parse_head(*bytes, sender_of(k)), head) << name_of(k);
    ++head.body_bytes;
    EXPECT_EQ(encode_head(head).error().code, errc::frame_too_large) << name_of(k);
    EXPECT_EQ(refusal(raw(limit + 9, k, 0, request_of(k)), sender_of(k)), errc::frame_too_large)
        << name_of(k);
  }
}

TEST(frame_head, the_limits_are_those_of_the_page) {
  EXPECT_EQ(max_body_bytes(kind::hello), 262'144U);
  EXPECT_EQ(max_body_bytes(kind::digest_run), 262'144U);
  EXPECT_EQ(max_body_bytes(unknown_kind), 262'144U);
  EXPECT_EQ(max_body_bytes(kind{255}), 262'144U);
  EXPECT_EQ(max_body_bytes(kind::block), 24U + 1'048'576U);
  EXPECT_EQ(max_body_bytes(kind::ping), 64U);
  EXPECT_EQ(max_body_bytes(kind::pong), 64U);
}

TEST(frame_head, huge_lengths_are_refused_whatever_the_kind) {
  for (const auto length : {0x0010'0021U, 0x7FFF'FFFFU, 0x8000'0000U, 0xFFFF'FFFFU}) {
    for (unsigned k = 0; k < 256; ++k) {
      const auto each = kind{static_cast<std::uint8_t>(k)};
      EXPECT_EQ(refusal(raw(length, each, skippable, 1), side::client), errc::frame_too_large)
          << length << " kind " << k;
    }
  }
}

TEST(frame_head, a_block_has_a_payload) {
  EXPECT_TRUE(parse_head(raw(8 + 25, kind::block, 0, 1), side::client));
  EXPECT_EQ(refusal(raw(8 + 24, kind::block, 0, 1), side::client), errc::bad_frame);
  EXPECT_EQ(refusal(raw(8, kind::block, 0, 1), side::client), errc::bad_frame);
  EXPECT_EQ(encode_head({.body_bytes = 24, .kind = kind::block, .request = 1}).error().code,
            errc::bad_frame);
}

TEST(frame_head, request_0_is_for_the_connection) {
  for (const auto k : known_kinds()) {
    const bool on_connection =
        k == kind::hello || k == kind::ping || k == kind::pong || k == kind::error;
    EXPECT_EQ(parse_head(raw(8 + 25, k, 0, 0), sender_of(k)).has_value(), on_connection)
        << name_of(k);
    EXPECT_EQ(parse_head(raw(8 + 25, k, 0, 1), sender_of(k)).has_value(), k != kind::hello)
        << name_of(k);
    EXPECT_EQ(parse_head(raw(8 + 25, k, 0, 0xFFFF'FFFF), sender_of(k)).has_value(),
              k != kind::hello)
        << name_of(k);
  }
}

TEST(frame_head, each_side_sends_its_own_kinds) {
  using enum kind;
  for (const auto k : {hello, ping, pong, block}) {
    EXPECT_TRUE(may_send(side::client, k) && may_send(side::server, k)) << name_of(k);
  }
  for (const auto k : {list, stat, get, digests, put, checkpoint, put_finish, put_abort, put_leave,
                       make_folder, rename, remove}) {
    EXPECT_TRUE(may_send(side::client, k) && !may_send(side::server, k)) << name_of(k);
    EXPECT_TRUE(parse_head(raw(8, k, 0, 1), side::client)) << name_of(k);
    EXPECT_EQ(refusal(raw(8, k, skippable, 1), side::server), errc::bad_frame) << name_of(k);
  }
  for (const auto k : {error, ok, entries, entry, content, content_end, digest_run, put_opened,
                       blocks_durable, block_refused, put_done, talk_page, talk_news, talk_said}) {
    EXPECT_TRUE(!may_send(side::client, k) && may_send(side::server, k)) << name_of(k);
    EXPECT_TRUE(parse_head(raw(8, k, 0, 1), side::server)) << name_of(k);
    EXPECT_EQ(refusal(raw(8, k, skippable, 1), side::client), errc::bad_frame) << name_of(k);
  }
}

TEST(frame_head, requests_are_begun_by_these_kinds) {
  using enum kind;
  std::vector<kind> beginning;
  std::vector<kind> of_put;
  for (const auto k : known_kinds()) {
    if (begins_request(k)) beginning.push_back(k);
    if (belongs_to_put(k)) of_put.push_back(k);
  }
  EXPECT_THAT(beginning,
              testing::ElementsAre(login, list, stat, get, received, digests, put, make_folder,
                                   rename, remove, scrub, talk_read, talk_join, talk_leave,
                                   talk_say, talk_amend, talk_typing));
  EXPECT_THAT(of_put, testing::ElementsAre(block, checkpoint, put_finish, put_abort, put_leave));
}

TEST(frame_head, unknown_kinds_pass_only_where_they_may_be_skipped) {
  for (const auto k : {unknown_kind, kind{0}, kind{26}, kind{63}, kind{64}, kind{255}}) {
    for (const auto from : {side::client, side::server}) {
      for (const auto request : {0U, 1U}) {
        const auto parsed = parse_head(raw(8 + 262'144, k, skippable, request), from);
        ASSERT_TRUE(parsed);
        EXPECT_TRUE(is_skippable(*parsed));
        EXPECT_EQ(refusal(raw(8, k, last, request), from), errc::bad_frame);
        EXPECT_EQ(refusal(raw(9 + 262'144, k, skippable, request), from), errc::frame_too_large);
      }
    }
  }
  EXPECT_THAT(parse_head(raw(8, unknown_kind, 0, 1), side::client).error().context,
              HasSubstr("99"));
  EXPECT_FALSE(is_skippable({.kind = kind::list, .flags = skippable}));
}

TEST(frame_head, find_frame_gives_the_body_in_place) {
  std::vector<std::byte> stream;
  const auto body = std::as_bytes(std::span(std::string_view("hello")));
  ASSERT_TRUE(append_frame(stream, kind::ping, 3, no_flags, body));
  ASSERT_TRUE(append_frame(stream, kind::pong, 4, no_flags, {}));
  const auto first = find_frame(stream, side::client);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->body.data(), stream.data() + head_bytes);
  EXPECT_EQ((*first)->body.size(), 5U);
  const auto second = find_frame(std::span(stream).subspan(head_bytes + 5), side::client);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->head, (frame_head{.kind = kind::pong, .request = 4}));
}

TEST(frame_head, find_frame_refuses_before_the_body_is_there) {
  const auto bytes = raw(0xFFFF'FFFF, kind::list, 0, 1);
  EXPECT_EQ(find_frame(bytes, side::client).error().code, errc::frame_too_large);
  EXPECT_FALSE(find_frame(std::span(bytes).first(11), side::client)->has_value());
}

TEST(frame_head, a_refused_frame_leaves_the_output_as_it_was) {
  std::vector<std::byte> out(3);
  std::vector<std::byte> body(max_ping_body_bytes + 1);
  EXPECT_EQ(append_frame(out, kind::ping, 1, no_flags, body).error().code, errc::frame_too_large);
  EXPECT_EQ(out.size(), 3U);
  body.pop_back();
  EXPECT_TRUE(append_frame(out, kind::ping, 1, no_flags, body));
  EXPECT_EQ(out.size(), 3U + head_bytes + max_ping_body_bytes);
}

}  // namespace
}  // namespace sluice::wire
