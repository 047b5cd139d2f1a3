#include "base/permission.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "base/secret.h"

namespace sluice::base {
namespace {

TEST(rights, admin_is_all_of_them) {
  EXPECT_EQ(rights{right::admin}, rights::all());
  EXPECT_EQ(rights{right::admin} & (rights{right::see, right::take}),
            (rights{right::see, right::take}));
  EXPECT_FALSE((rights{right::see, right::give}).has(right::take));
  EXPECT_TRUE(rights::from_bits(64).is_none()) << "a bit of a newer program";
}

TEST(permission, of_nobody_limited_holds) {
  const auto asked = permit_unasked<right::change>("a/b");
  EXPECT_EQ(asked.path(), "a/b");
  EXPECT_TRUE(asked.still_holds());
  EXPECT_TRUE(permit<right::admin>(caller_unasked(), ""));
}

// What would let a verb through that did not ask.
template <class T>
concept is_made_of_text =
    std::is_constructible_v<T, std::string> ||
    std::is_constructible_v<T, caller_ptr, std::string> ||
    std::is_constructible_v<T, caller_ptr, std::string, bool> || std::is_default_constructible_v<T>;
static_assert(!is_made_of_text<permitted<right::see>>);
static_assert(!std::is_convertible_v<permitted<right::see>, permitted<right::take>>);
static_assert(!std::is_convertible_v<std::string, permitted<right::give>>);

TEST(secret, is_wiped_where_it_came_from) {
  std::string text = "correct horse battery staple";
  const char* const was = text.data();
  secret first(std::move(text));
  EXPECT_EQ(std::string_view(was, 7), std::string_view("\0\0\0\0\0\0\0", 7));
  secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(second.reveal(), "correct horse battery staple");
}

}  // namespace
}  // namespace sluice::base
