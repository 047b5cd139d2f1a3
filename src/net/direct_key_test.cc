#include "net/direct_key.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::net {
namespace {

std::string hex(const direct_key::pre_shared& bytes) {
  std::string text;
  for (const unsigned char each : bytes) text += fmt::format("{:02x}", each);
  return text;
}

std::string read(std::string_view typed) {
  const auto key = direct_key::parse(typed);
  return key ? std::string(key->reveal()) : "refused";
}

TEST(direct_key, new_ones_are_read_again_and_differ) {
  std::set<std::string> all;
  for (int i = 0; i < 100; ++i) {
    const auto key = direct_key::make();
    ASSERT_TRUE(key);
    EXPECT_EQ(read(key->reveal()), key->reveal());
    all.emplace(key->reveal());
  }
  EXPECT_EQ(all.size(), 100U);
}

TEST(direct_key, as_people_type_it) {
  constexpr std::string_view shown = "01234-56789-abcde-fghjk-mnpqr";
  EXPECT_EQ(read(shown), shown);
  EXPECT_EQ(read("0123456789ABCDEFGHJKMNPQR"), shown);
  EXPECT_EQ(read(" O I234 5678 9abcd-efghjk--mnpqr"), shown);
  EXPECT_EQ(read("oL23456789abcdefghjkmnpqr"), shown);
}

TEST(direct_key, what_is_none) {
  EXPECT_EQ(read(""), "refused");
  EXPECT_EQ(read("0123456789abcdefghjkmnpq"), "refused");    // 24
  EXPECT_EQ(read("0123456789abcdefghjkmnpqrs"), "refused");  // 26
  EXPECT_EQ(read("u123456789abcdefghjkmnpqr"), "refused");
  EXPECT_EQ(read("0123456789abcdefghjkmnpq\n"), "refused");
}

TEST(direct_key, a_refusal_does_not_say_what_was_typed) {
  const auto refused = direct_key::parse("correct horse battery staples");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message().find("horse"), std::string::npos);
}

// docs/wire.md, section 9, computed elsewhere.
TEST(direct_key, what_is_made_of_it) {
  const auto key = direct_key::parse("01234-56789-abcde-fghjk-mnpqr");
  ASSERT_TRUE(key);
  EXPECT_EQ(hex(key->derive()), "3ad8fbb4d5bf62a81bbc0a77836700c482609d895efc5baf14e643e96939a81b");
}

}  // namespace
}  // namespace sluice::net
