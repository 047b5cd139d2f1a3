#include "cli/notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

notes of_film(std::string_view rate, std::uint64_t start_frame = 0) {
  return {.title = "a <b>.mp4",
          .messages = {{.id = 3, .author = "ben", .text = "second | of all", .at_ms = 83'500},
                       {.id = 4, .author = "anna", .text = "no time", .reply_to = 3},
                       {.id = 5,
                        .author = "安娜",
                        .text = "first,\n\"so\" -->",
                        .at_ms = 1'000,
                        .until_ms = 2'000,
                        .resolved = true}},
          .rate = parse_frame_rate(rate),
          .start_frame = start_frame};
}

TEST(notes, as_csv) {
  EXPECT_EQ(to_csv(of_film("25")),
            "id,timecode,until,at_ms,author,text,resolved,reply_to,time_ms\r\n"
            "3,00:01:23:12,,83500,ben,second | of all,no,,0\r\n"
            "4,,,,anna,no time,no,3,0\r\n"
            "5,00:00:01:00,00:00:02:00,1000,安娜,\"first,\n\"\"so\"\" -->\",yes,,0\r\n");
}

TEST(notes, a_cell_is_no_formula) {
  auto film = of_film("25");
  film.messages = {{.id = 1, .author = "+anna", .text = "=cmd|' /C calc'!A0"}};
  EXPECT_THAT(to_csv(film), HasSubstr(",'+anna,'=cmd|' /C calc'!A0,"));
}

TEST(notes, as_an_edit_decision_list) {
  EXPECT_EQ(to_edl(of_film("25", 90'000)),
            "TITLE: a <b>.mp4\r\nFCM: NON-DROP FRAME\r\n"
            "\r\n001  001      V     C        01:00:01:00 01:00:01:01 01:00:01:00 01:00:01:01\r\n"
            " |C:ResolveColorGreen |M:安娜: first, \"so\" --> |D:25\r\n"
            "\r\n002  001      V     C        01:01:23:12 01:01:23:13 01:01:23:12 01:01:23:13\r\n"
            " |C:ResolveColorBlue |M:ben: second / of all |D:1\r\n");
  EXPECT_THAT(to_edl(of_film("29.97")), HasSubstr("FCM: DROP FRAME\r\n"));
  EXPECT_THAT(to_edl(of_film("29.97")), HasSubstr(" 00:01:23;14 00:01:23;15 "));
}

TEST(notes, as_fcpxml) {
  const auto text = to_fcpxml(of_film("23.976"));
  EXPECT_THAT(text, HasSubstr("<format id=\"r1\" frameDuration=\"1001/24000s\"/>"));
  EXPECT_THAT(text, HasSubstr("<project name=\"a &lt;b&gt;.mp4\">"));
  EXPECT_THAT(
      text,
      HasSubstr("<marker start=\"24024/24000s\" duration=\"23023/24000s\" value=\"安娜: first, "
                "&quot;so&quot; --&gt;\" completed=\"1\"/>"));
  EXPECT_THAT(text, HasSubstr("completed=\"0\"/>"));
  EXPECT_THAT(text, Not(HasSubstr("no time")));
  EXPECT_THAT(to_fcpxml(of_film("25", 90'000)), HasSubstr("tcStart=\"3600s\" tcFormat=\"NDF\""));
  EXPECT_THAT(to_fcpxml(of_film("29.97")), HasSubstr("tcFormat=\"DF\""));
}

// XML 1.0, 2.2: characters that no document may have, however they are written.
TEST(notes, as_fcpxml_without_what_xml_cannot_have) {
  auto film = of_film("25");
  film.messages = {
      {.id = 1, .author = "a", .text = "\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", .at_ms = 0}};
  EXPECT_THAT(to_fcpxml(film),
              HasSubstr("value=\"a: \\xef\\xbf\\xbe\\xef\\xbf\\xbf\xef\xbf\xbd\""));
}

TEST(notes, as_subtitles) {
  EXPECT_EQ(to_srt(of_film("25")),
            "1\r\n00:00:01,000 --> 00:00:02,000\r\n安娜: first, \"so\" ->\r\n\r\n"
            "2\r\n00:01:23,500 --> 00:01:26,500\r\nben: second | of all\r\n\r\n");
}

TEST(notes, as_json) {
  const auto told = nlohmann::json::parse(to_json_text(of_film("25")));
  EXPECT_EQ(told["notes"].size(), 3U);
  EXPECT_EQ(told["notes"][0]["frame"], 2'087);
  EXPECT_EQ(told["notes"][0]["timecode"], "00:01:23:12");
  EXPECT_TRUE(told["notes"][1]["timecode"].is_null());
  EXPECT_EQ(told["notes"][2]["text"], "first,\n\"so\" -->");
}

TEST(notes, without_a_frame_rate) {
  auto film = of_film("25");
  film.rate.reset();
  film.messages = {{.id = 4, .author = "anna", .text = "no time"}};
  EXPECT_TRUE(nlohmann::json::parse(to_json_text(film))["frame_rate"].is_null());
  EXPECT_THAT(to_csv(film), HasSubstr("4,,,,anna,no time,no,,0"));
  EXPECT_EQ(to_srt(film), "");
}

// By hand: 30,000 / 1,001 frames a second, of which the first two numbers of each minute but every
// tenth are left away; 60,000 / 1,001 and four.
TEST(notes, in_drop_frame) {
  auto film = of_film("29.97");
  film.messages = {{.id = 1, .author = "a", .text = "t", .at_ms = 60'027},   // frame 1,799
                   {.id = 2, .author = "a", .text = "t", .at_ms = 60'060},   // 1,800
                   {.id = 3, .author = "a", .text = "t", .at_ms = 600'000},  // 17,982
                   {.id = 4,
                    .author = "a",
                    .text = "t",
                    .at_ms = 3'599'967,       // 107,891
                    .until_ms = 3'660'060}};  // 109,692
  const auto slow = to_edl(film);
  for (const auto* each : {"C        00:00:59;29 00:01:00;02 ", "C        00:01:00;02 00:01:00;03 ",
                           "C        00:10:00;00 00:10:00;01 ", "C        00:59:59;29 01:00:00;00 ",
                           "|D:1801\r\n", "FCM: DROP FRAME\r\n"}) {
    EXPECT_THAT(slow, HasSubstr(each));
  }
  film.rate = parse_frame_rate("59.94");
  const auto fast = to_edl(film);
  for (const auto* each : {"C        00:00:59;58 00:00:59;59 ", "C        00:01:00;04 00:01:00;05 ",
                           "C        00:10:00;00 00:10:00;01 ", "|D:3602\r\n"}) {
    EXPECT_THAT(fast, HasSubstr(each));
  }
}

TEST(notes, of_a_hostile_server_act_nowhere) {
  auto film = of_film("25");
  film.messages = {{.id = 1, .author = "\x1b[2J", .text = "\xe2\x80\xae\x07", .at_ms = 0}};
  for (const auto& text : {to_csv(film), to_edl(film), to_fcpxml(film), to_srt(film)}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_THAT(text, HasSubstr("\\x1b[2J"));
  }
}

}  // namespace
}  // namespace sluice::cli
