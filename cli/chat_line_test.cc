#include "cli/chat_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using kind = chat_line::kind;
using testing::ElementsAre;
using testing::EndsWith;
using testing::StartsWith;

TEST(chat_line, empty_lines_are_nothing) {
  for (const auto* typed : {"", " ", "\t \r"}) EXPECT_EQ(read_chat_line(typed).what, kind::nothing);
}

TEST(chat_line, text_is_said_as_it_is) {
  EXPECT_EQ(read_chat_line(" 你好 \r").wish.text, "你好");
  EXPECT_EQ(read_chat_line("a\tb").wish.text, "a b");
  EXPECT_EQ(read_chat_line("//at all").wish.text, "/at all");
}

TEST(chat_line, words_that_begin_with_a_slash) {
  const auto at = read_chat_line("/at 1:23.5 the  sky");
  EXPECT_EQ(at.wish.at_ms, 83'500U);
  EXPECT_EQ(at.wish.text, "the  sky");
  const auto reply = read_chat_line("/reply 17 which one?");
  EXPECT_EQ(reply.wish.reply_to, 17U);
  EXPECT_EQ(reply.wish.text, "which one?");
  EXPECT_EQ(read_chat_line("/resolve 17").wish.resolve, 17U);
  EXPECT_EQ(read_chat_line("/who").what, kind::who);
  EXPECT_EQ(read_chat_line("/quit").what, kind::quit);
  EXPECT_EQ(read_chat_line("/help").what, kind::help);
}

TEST(chat_line, what_is_wrong_is_said_with_what_is_right) {
  for (const auto* typed : {"/at", "/at x y", "/at 1:23", "/reply", "/reply x y", "/reply 17",
                            "/resolve", "/resolve x", "/sing", "/"}) {
    const auto read = read_chat_line(typed);
    EXPECT_EQ(read.what, kind::mistake) << typed;
    EXPECT_FALSE(read.mistake.empty());
  }
}

TEST(chat_line, times_of_a_film) {
  EXPECT_EQ(parse_film_time("0"), 0U);
  EXPECT_EQ(parse_film_time("90"), 90'000U);
  EXPECT_EQ(parse_film_time("1:02:03.25"), 3'723'250U);
  EXPECT_EQ(parse_film_time("5.0009"), 5'000U);
  for (const auto* text :
       {"", ":", "1:60", "1:2:3:4", "-1", "1.", "x", "1:-2", "1.x", "99999999"}) {
    EXPECT_FALSE(parse_film_time(text)) << text;
  }
  EXPECT_EQ(film_time(83'500), "1:23.500");
  EXPECT_EQ(film_time(3'723'007), "1:02:03.007");
}

TEST(chat_line, a_message_for_people) {
  const client::talk_message said{.id = 17,
                                  .author = "anna",
                                  .text = "one\ntwo",
                                  .at_ms = 83'500,
                                  .until_ms = 84'000,
                                  .reply_to = 5};
  const auto lines = message_lines(said, false);
  EXPECT_THAT(lines, ElementsAre(EndsWith(" anna @1:23.500-1:24.000 -> 5: one"), "    two"));
  EXPECT_THAT(lines[0], StartsWith("[17] "));
  const client::talk_message gone{.id = 17, .author = "Mia", .guest = true, .deleted = true};
  EXPECT_THAT(
      message_lines(gone, true),
      ElementsAre(testing::AllOf(StartsWith("* [17] "), EndsWith("Mia (guest) (deleted)"))));
  EXPECT_EQ(message_event(said)["reply_to"], 5);
  EXPECT_TRUE(message_event(gone)["at_ms"].is_null());
}

TEST(chat_line, who_is_here) {
  EXPECT_EQ(people_line({{"anna", false}, {"Mia", true}}, 2), "2 here: anna, Mia (guest)");
  EXPECT_EQ(people_line({{"anna", false}}, 60), "60 here: anna, ...");
}

}  // namespace
}  // namespace sluice::cli
