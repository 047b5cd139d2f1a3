#include "talk/message.h"

#include <gtest/gtest.h>

namespace sluice::talk {
namespace {

std::string times(const std::string& what, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += what;
  return text;
}

bool is_text(const std::string& text) { return check_text(text).has_value(); }

TEST(message, text_has_so_many_characters_of_any_script) {
  EXPECT_TRUE(is_text("好"));
  EXPECT_TRUE(is_text("two\nlines"));
  EXPECT_TRUE(is_text("\u202Eright to left\u202C"));
  EXPECT_TRUE(is_text(times("片", 4'000)));
  EXPECT_FALSE(is_text(times("片", 4'001)));
}

TEST(message, text_that_is_empty_or_acts_is_none) {
  for (const std::string text : {"", " ", "\n", " \n\u00A0\u3000", "a\tb", "a\x1b[31m", "a\rb",
                                 "\u009b31m", "a\x7f", "\xff", "\xed\xa0\x80"}) {
    EXPECT_FALSE(is_text(text)) << text;
  }
  EXPECT_FALSE(is_text(std::string("a\0b", 3)));
}

TEST(message, a_draft_has_times_that_a_film_may_have) {
  const auto fits = [](std::optional<std::int64_t> at, std::optional<std::int64_t> until) {
    return check(draft{.text = "x", .at_ms = at, .until_ms = until}).has_value();
  };
  EXPECT_TRUE(fits(0, {}));
  EXPECT_TRUE(fits(5, 5));
  EXPECT_TRUE(fits(time_ms_max, {}));
  EXPECT_FALSE(fits(-1, {}));
  EXPECT_FALSE(fits(time_ms_max + 1, {}));
  EXPECT_FALSE(fits({}, 5));
  EXPECT_FALSE(fits(6, 5));
}

TEST(message, drawings_and_nonces_have_limits) {
  const auto draws = [](const std::string& drawing) {
    return check(draft{.text = "x", .drawing = drawing}).has_value();
  };
  const auto of_bytes = [](std::size_t bytes) {
    return "{\"d\":\"" + times("x", bytes - 8) + "\"}";
  };
  EXPECT_TRUE(draws(of_bytes(drawing_bytes_max)));
  EXPECT_FALSE(draws(of_bytes(drawing_bytes_max + 1)));
  for (const std::string text : {"x", "[]", "{", "{}}", "{\"a\":\"\xff\"}"})
    EXPECT_FALSE(draws(text)) << text;
  EXPECT_TRUE(draws("{\"a\":" + times("[", 30) + times("]", 30) + "}"));
  EXPECT_FALSE(draws("{\"a\":" + times("[", 40) + times("]", 40) + "}"));
  EXPECT_TRUE(check(draft{.text = "x", .nonce = times("x", nonce_bytes_max)}));
  EXPECT_FALSE(check(draft{.text = "x", .nonce = times("x", nonce_bytes_max + 1)}));
}

TEST(message, an_amendment_changes_something_or_deletes) {
  EXPECT_TRUE(check(amendment{.text = "x", .resolved = true}));
  EXPECT_TRUE(check(amendment{.deleted = true}));
  EXPECT_FALSE(check(amendment{}));
  EXPECT_FALSE(check(amendment{.resolved = true, .deleted = true}));
  EXPECT_FALSE(check(amendment{.text = " "}));
}

TEST(message, a_name_is_one_line) {
  EXPECT_TRUE(check_name("安娜"));
  EXPECT_TRUE(check_name(times("片", 64)));
  for (const auto& name : {times("片", 65), std::string(), std::string(" "), std::string("a\nb"),
                           std::string("a\x1b")}) {
    EXPECT_FALSE(check_name(name)) << name;
  }
}

TEST(message, what_a_protocol_makes_of_it_is_made_once) {
  const spoken said({.id = 7});
  int made = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(said.form(1,
                        [&](const message& what) {
                          ++made;
                          return std::to_string(what.id);
                        }),
              "7");
  }
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace sluice::talk
