#include "store/path.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace sluice::store {
namespace {

errc code_of(std::string_view text) {
  const auto path = rel_path::parse(text);
  EXPECT_FALSE(path) << text;
  return path ? errc::internal : path.error().code;
}

TEST(rel_path, takes_parts_apart) {
  const auto path = rel_path::parse("/a/\u6c34 b/c.mp4/");
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(path->text(), "a/\u6c34 b/c.mp4");
  EXPECT_EQ(path->name(), "c.mp4");
  EXPECT_EQ(path->parent().text(), "a/\u6c34 b");
  EXPECT_EQ(path->parts().size(), 3u);
  EXPECT_EQ(path->parent().child("c.mp4"), *path);
}

TEST(rel_path, the_root_is_empty) {
  for (const char* text : {"", "/"}) {
    const auto path = rel_path::parse(text);
    ASSERT_TRUE(path);
    EXPECT_TRUE(path->is_root());
    EXPECT_EQ(path->parent(), *path);
    EXPECT_EQ(path->name(), "");
    EXPECT_TRUE(path->parts().empty());
    EXPECT_EQ(path->child("x")->text(), "x");
  }
}

TEST(rel_path, refuses_what_is_no_name) {
  for (const std::string_view text :
       {"a//b", "//", "//a", "a//", ".", "..", "a/..", "../a", "a/./b", "a\\b", "a/\\", "a\nb",
        "a/\x1b[2J", "\x7f", "\xc2\x85", "\xff", "a/\xc0\xaf/b", "\u202etxt.exe", "a\u2028"}) {
    EXPECT_EQ(code_of(text), errc::invalid_argument) << text;
  }
  EXPECT_EQ(code_of(std::string_view("a\0b", 3)), errc::invalid_argument);
}

TEST(rel_path, refuses_dot_names_everywhere) {
  for (const char* text : {".sluice", ".sluice/partials", "a/.git/config", "...", ".a"}) {
    EXPECT_EQ(code_of(text), errc::not_allowed) << text;
  }
  EXPECT_TRUE(rel_path::parse("a.b/c..d/e."));
}

TEST(rel_path, shows_the_path_escaped) {
  const auto path = rel_path::parse("a/\x1b[31m");
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().context.find("\\x1b"), std::string::npos);
  EXPECT_EQ(path.error().context.find('\x1b'), std::string::npos);
}

TEST(rel_path, a_name_has_255_bytes_at_most) {
  EXPECT_TRUE(rel_path::parse(std::string(255, 'n')));
  EXPECT_EQ(code_of(std::string(256, 'n')), errc::invalid_argument);
}

TEST(rel_path, a_path_has_64_parts_at_most) {
  std::string text = "p";
  for (std::size_t i = 1; i < base::path_parts_max; ++i) text += "/p";
  EXPECT_TRUE(rel_path::parse(text));
  EXPECT_EQ(code_of(text + "/p"), errc::invalid_argument);
}

TEST(rel_path, a_path_has_4095_bytes_at_most) {
  std::string text;
  for (int i = 0; i < 15; ++i) text += std::string(255, 'n') + "/";
  text += std::string(255, 'n');
  ASSERT_EQ(text.size(), base::path_bytes_max);
  EXPECT_TRUE(rel_path::parse(text));
  text[10] = '/';
  text[11] = '/';
  text += "n";
  EXPECT_EQ(code_of(text), errc::invalid_argument);
  text = "n/" + text.substr(2, 253) + text.substr(255);
  EXPECT_EQ(code_of(text), errc::invalid_argument);
}

TEST(rel_path, holds_itself_and_what_lies_below) {
  const auto a = *rel_path::parse("a");
  EXPECT_TRUE(a.holds(a));
  EXPECT_TRUE(a.holds(*rel_path::parse("a/b/c")));
  EXPECT_FALSE(a.holds(*rel_path::parse("ab")));
  EXPECT_FALSE(a.holds(rel_path()));
  EXPECT_TRUE(rel_path().holds(a));
}

}  // namespace
}  // namespace sluice::store
