#include "wire/preface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

using testing::HasSubstr;

TEST(preface, the_magic_must_be_whole) {
  const auto client = encode_client_preface({1, 3});
  const auto server = encode_server_preface({2, {1, 3}});
  ASSERT_EQ(parse_client_preface(client), (version_range{1, 3}));
  ASSERT_EQ(parse_server_preface(server), (server_answer{2, {1, 3}}));
  for (std::size_t at = 0; at < 8; ++at) {
    auto damaged = client;
    damaged[at] ^= std::byte{0x01};
    EXPECT_EQ(parse_client_preface(damaged).error().code, errc::bad_frame) << at;
    damaged = server;
    damaged[at] ^= std::byte{0x80};
    EXPECT_EQ(parse_server_preface(damaged).error().code, errc::bad_frame) << at;
  }
}

TEST(preface, zero_bytes_are_ignored) {
  auto client = encode_client_preface({1, 3});
  for (std::size_t at = 12; at < 16; ++at) client[at] = std::byte{0xFF};
  EXPECT_EQ(parse_client_preface(client), (version_range{1, 3}));
  auto server = encode_server_preface({2, {1, 3}});
  for (std::size_t at = 14; at < 16; ++at) server[at] = std::byte{0xFF};
  EXPECT_EQ(parse_server_preface(server), (server_answer{2, {1, 3}}));
}

TEST(preface, versions_use_both_bytes) {
  EXPECT_EQ(parse_client_preface(encode_client_preface({0x0102, 0xFFFE})),
            (version_range{0x0102, 0xFFFE}));
}

TEST(preface, the_highest_common_version_is_chosen) {
  EXPECT_EQ(choose_version({1, 3}, {2, 9}), 3);
  EXPECT_EQ(choose_version({2, 9}, {1, 3}), 3);
  EXPECT_EQ(choose_version({1, 1}, {1, 1}), 1);
  EXPECT_EQ(choose_version({1, 1}, {0, 0xFFFF}), 1);
  EXPECT_EQ(choose_version({3, 9}, {1, 3}), 3);
  EXPECT_EQ(choose_version({4, 9}, {1, 3}), std::nullopt);
  EXPECT_EQ(choose_version({1, 1}, {9, 9}), std::nullopt);
}

TEST(preface, neither_version_0_nor_an_empty_range_has_a_common_version) {
  EXPECT_EQ(choose_version({0, 5}, {0, 0}), std::nullopt);
  EXPECT_EQ(choose_version({1, 1}, {2, 1}), std::nullopt);
  EXPECT_EQ(choose_version({1, 5}, {5, 1}), std::nullopt);
}

TEST(preface, a_refusal_tells_both_ranges) {
  const auto answer = answer_to({9, 9}, {1, 3});
  EXPECT_EQ(answer, (server_answer{0, {1, 3}}));
  const auto refused = accept_answer(answer, {9, 9});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unsupported);
  EXPECT_THAT(refused.error().context, HasSubstr("version 9 "));
  EXPECT_THAT(refused.error().context, HasSubstr("versions 1 to 3"));
}

TEST(preface, an_answer_is_accepted_only_within_the_offer) {
  EXPECT_EQ(accept_answer(answer_to({1, 3}, {2, 9}), {1, 3}), 3);
  EXPECT_EQ(accept_answer({2, {1, 9}}, {2, 3}), 2);
  EXPECT_EQ(accept_answer({4, {1, 9}}, {2, 3}).error().code, errc::bad_frame);
  EXPECT_EQ(accept_answer({1, {1, 9}}, {2, 3}).error().code, errc::bad_frame);
}

}  // namespace
}  // namespace sluice::wire
