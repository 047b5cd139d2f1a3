#include "wire/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/any_message.h"

namespace sluice::wire {
namespace {

using testing::HasSubstr;
using bytes = std::vector<std::byte>;

bytes bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// A STAT whose serialized size is exactly `body_bytes`: a tag, a length of 3 bytes, the path.
v1::Stat stat_of_size(std::size_t body_bytes) {
  v1::Stat stat;
  stat.set_path(std::string(body_bytes - 4, 'x'));
  EXPECT_EQ(stat.ByteSizeLong(), body_bytes);
  return stat;
}

TEST(message, is_appended_behind_what_is_there) {
  v1::Stat stat;
  stat.set_path("a/b");
  auto out = bytes_of("before");
  ASSERT_TRUE(append_message(out, kind::stat, 5, no_flags, stat));
  const auto frame = find_frame(std::span(out).subspan(6), side::client);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->head.request, 5U);
  const auto parsed = parse_message<v1::Stat>(kind::stat, (*frame)->body);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->path(), "a/b");
}

TEST(message, at_the_limit_passes_and_over_it_not) {
  bytes out;
  ASSERT_TRUE(append_message(out, kind::stat, 1, no_flags, stat_of_size(max_control_body_bytes)));
  const auto frame = find_frame(out, side::client);
  ASSERT_TRUE(frame && *frame);
  EXPECT_TRUE(parse_message<v1::Stat>(kind::stat, (*frame)->body));

  bytes untouched(3);
  const auto over = stat_of_size(max_control_body_bytes + 1);
  EXPECT_EQ(append_message(untouched, kind::stat, 1, no_flags, over).error().code,
            errc::frame_too_large);
  EXPECT_EQ(untouched, bytes(3));
  const auto body = bytes_of(over.SerializeAsString());
  EXPECT_EQ(parse_message<v1::Stat>(kind::stat, body).error().code, errc::bad_frame);
}

TEST(message, of_another_kind_is_a_bug) {
  bytes out;
  EXPECT_EQ(append_message(out, kind::list, 1, no_flags, v1::Stat()).error().code, errc::internal);
  EXPECT_EQ(append_message(out, kind::block, 1, no_flags, v1::Stat()).error().code, errc::internal);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(parse_message<v1::Stat>(kind::list, {}).error().code, errc::internal);
}

TEST(message, every_kind_with_a_message_takes_its_own) {
  for (unsigned k = 0; k < 256; ++k) {
    const auto each = kind{static_cast<std::uint8_t>(k)};
    const auto message = any_message(each);
    EXPECT_EQ(message != nullptr, is_known(each) && !facts_of(each).message.empty()) << k;
    bytes out;
    if (message) {
      EXPECT_TRUE(append_message(out, each, 1, no_flags, *message)) << name_of(each);
    }
  }
}

TEST(message, a_malformed_body_names_its_kind) {
  for (const auto body : {"\x0a",
                          "\x0a\x05"
                          "ab",
                          "\x07", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    const auto parsed = parse_message<v1::PutFinish>(kind::put_finish, bytes_of(body));
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().code, errc::bad_frame);
    EXPECT_THAT(parsed.error().context, HasSubstr("PUT_FINISH"));
  }
}

TEST(message, a_string_that_is_not_utf8_is_malformed) {
  EXPECT_TRUE(parse_message<v1::Stat>(kind::stat, bytes_of("\x0a\x02\xc3\xa4")));
  EXPECT_EQ(parse_message<v1::Stat>(kind::stat, bytes_of("\x0a\x02\xc3\x28")).error().code,
            errc::bad_frame);
  // Bytes may be anything.
  EXPECT_TRUE(parse_message<v1::PutOpened>(kind::put_opened, bytes_of("\x0a\x02\xc3\x28")));
}

TEST(message, a_malformed_string_prints_nothing) {
  testing::internal::CaptureStderr();
  EXPECT_FALSE(parse_message<v1::Stat>(kind::stat, bytes_of("\x0a\x02\xc3\x28")));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(message, unknown_fields_are_dropped) {
  const auto parsed = parse_message<v1::Stat>(kind::stat, bytes_of("\x0a\x01x\xa2\x06\x03new"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->path(), "x");
}

TEST(message, an_empty_body_is_a_message_of_defaults) {
  const auto put = parse_message<v1::Put>(kind::put, {});
  ASSERT_TRUE(put);
  EXPECT_FALSE(put->has_size_bytes());
}

}  // namespace
}  // namespace sluice::wire
