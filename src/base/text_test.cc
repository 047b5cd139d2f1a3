#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::base {
namespace {

TEST(utf8, accepts_every_length) {
  for (const char* text : {"", "plain", "\u00e9", "\u6c34", "\U0001F3AC", "\U0010FFFF"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
}

// RFC 3629: the bytes that a decoder must not take.
TEST(utf8, refuses_what_is_malformed) {
  for (const char* text : {"\x80", "\xc3", "\xc3(", "\xe6\xb0", "\xf0\x9f\x8e", "\xff", "\xfe",
                           "\xc0\xaf",          // overlong '/'
                           "\xe0\x80\xaf",      // overlong '/'
                           "\xf0\x80\x80\xaf",  // overlong '/'
                           "\xed\xa0\x80",      // a surrogate
                           "\xf4\x90\x80\x80",  // past U+10FFFF
                           "\xf8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << escape_unsafe(text);
  }
  EXPECT_FALSE(is_valid_utf8("fine until \xc3"));
}

TEST(utf8, takes_one_point_at_a_time) {
  std::string_view text = "\u6c34x";
  EXPECT_EQ(take_code_point(text), U'\u6c34');
  EXPECT_EQ(take_code_point(text), U'x');
  EXPECT_EQ(take_code_point(text), std::nullopt);
}

TEST(append, puts_all_behind_what_is_there) {
  std::string text = "a";
  append(text, {});
  EXPECT_EQ(text, "a");
  append(text, {"b", "", std::string_view("\0c", 2)});
  EXPECT_EQ(text, std::string("ab\0c", 4));
  for (int i = 0; i < 1000; ++i) append(text, {"0123456789", "abcdef"});
  EXPECT_EQ(text.size(), 16'004U);
  EXPECT_EQ(text.substr(4 + 16 * 999), "0123456789abcdef");
}

TEST(escape_unsafe, leaves_text_and_escapes_what_acts) {
  EXPECT_EQ(escape_unsafe("caf\u00e9 \u6c34.mp4"), "caf\u00e9 \u6c34.mp4");
  EXPECT_EQ(escape_unsafe("a\nb\x1b[2J\x7f"), "a\\x0ab\\x1b[2J\\x7f");
  EXPECT_EQ(escape_unsafe("\xc2\x9b"
                          "31m"),
            "\\xc2\\x9b31m");                                           // C1 control
  EXPECT_EQ(escape_unsafe("\u202egpj.exe"), "\\xe2\\x80\\xaegpj.exe");  // reads backwards
  EXPECT_EQ(escape_unsafe("\u2066x\u2069"), "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9");
  EXPECT_EQ(escape_unsafe("\xff"
                          "a"),
            "\\xffa");
  EXPECT_EQ(escape_unsafe(std::string_view("\0", 1)), "\\x00");
}

TEST(is_unsafe_to_show, has_exact_edges) {
  for (const char32_t c :
       {U'\x1f', U'\x7f', U'\u0080', U'\u009f', U'\u2028', U'\u202e', U'\u2066'}) {
    EXPECT_TRUE(is_unsafe_to_show(c)) << static_cast<unsigned>(c);
  }
  for (const char32_t c : {U' ', U'~', U'\u00a0', U'\u2027', U'\u202f', U'\u2065', U'\u206a'}) {
    EXPECT_FALSE(is_unsafe_to_show(c)) << static_cast<unsigned>(c);
  }
}

}  // namespace
}  // namespace sluice::base
