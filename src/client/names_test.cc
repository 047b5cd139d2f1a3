#include "client/names.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"

namespace sluice::client {
namespace {

TEST(Names, WhatMayTravel) {
  const std::string longest_name(255, 'x');
  for (const auto& good :
       std::vector<std::string>{"a", "第 1 集.mp4", "a.b", "~", "-rf", longest_name}) {
    EXPECT_EQ(fault_of_name(good), "") << good;
  }
  for (const auto& bad :
       std::vector<std::string>{"", ".", "..", ".a", "a/b", "a\\b", "a\nb", "\x7f", "\xff",
                                "\u202Ex", std::string(256, 'y')}) {
    EXPECT_NE(fault_of_name(bad), "") << bad;
  }
  EXPECT_NE(fault_of_name(std::string_view("a\0b", 3)), "");
}

TEST(Names, PathsAtTheLimits) {
  EXPECT_TRUE(check_path("a/b"));
  EXPECT_FALSE(check_path(""));
  EXPECT_FALSE(check_path("/a"));
  EXPECT_FALSE(check_path("a//b"));
  EXPECT_FALSE(check_path("a/"));
  std::string deep = "a";
  for (std::size_t i = 1; i < base::path_parts_max; ++i) deep += "/a";
  EXPECT_TRUE(check_path(deep));
  deep += "/a";
  EXPECT_FALSE(check_path(deep));
  std::string longest;
  while (longest.size() + 256 < base::path_bytes_max) {
    longest.append(255, 'x');
    longest += '/';
  }
  longest.append(base::path_bytes_max - longest.size(), 'y');
  EXPECT_TRUE(check_path(longest));
  longest.push_back('y');
  EXPECT_FALSE(check_path(longest));
}

TEST(Names, Parts) {
  EXPECT_EQ(join("a", "b"), "a/b");
  EXPECT_EQ(join("a/", "b"), "a/b");
  EXPECT_EQ(join("", "b"), "b");
  EXPECT_EQ(name_of("a/b/"), "b");
  EXPECT_EQ(name_of("b"), "b");
  EXPECT_EQ(folder_of("a/b"), "a");
  EXPECT_EQ(folder_of("b"), "");
}

TEST(Names, OrderPutsAFolderBeforeItsNeighbours) {
  EXPECT_TRUE(path_less("a", "a/b"));
  EXPECT_TRUE(path_less("a/b", "a-"));
  EXPECT_TRUE(path_less("a/z", "a b"));
  EXPECT_FALSE(path_less("a-", "a/b"));
  EXPECT_TRUE(path_less("z", "\xc3\xa9"));
}

TEST(Names, Numbered) {
  EXPECT_EQ(numbered_name("a/film.mov", 2), "a/film (2).mov");
  EXPECT_EQ(numbered_name("film", 12), "film (12)");
  EXPECT_EQ(numbered_name("a.b/film", 2), "a.b/film (2)");
  EXPECT_EQ(numbered_name("film (2).mov", 2), "film (2) (2).mov");
  const std::string longest = fmt::format("{:x>251}.mov", "");
  EXPECT_EQ(numbered_name(longest, 10), fmt::format("{:x>246} (10).mov", ""));
  // Not in the middle of a character.
  const std::string wide = fmt::format("{:x>247}\xe7\x89\x87.m", "");
  EXPECT_EQ(numbered_name(wide, 2), fmt::format("{:x>247} (2).m", ""));
}

TEST(Names, PartialStaysShort) {
  EXPECT_EQ(partial_name("f"), ".f.sluice-part");
  const std::string longest(255, 'x');
  EXPECT_LE(partial_name(longest).size(), base::name_bytes_max);
  EXPECT_NE(partial_name(longest), partial_name(std::string(254, 'x')));
  EXPECT_EQ(partial_name(std::string(242, 'x')).size(), 255U);
}

}  // namespace
}  // namespace sluice::client
