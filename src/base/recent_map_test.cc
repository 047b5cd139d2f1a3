#include "base/recent_map.h"

#include <gtest/gtest.h>

namespace sluice::base {
namespace {

TEST(recent_map, keeps_what_was_kept_first) {
  recent_map<int> of(2);
  EXPECT_EQ(of.touch("anna", 1), 1);
  EXPECT_EQ(of.touch("anna", 2), 1);
  of.touch("anna", 3) = 4;
  ASSERT_NE(of.find("anna"), nullptr);
  EXPECT_EQ(*of.find("anna"), 4);
  EXPECT_EQ(of.find("bert"), nullptr);
}

TEST(recent_map, forgets_who_came_least_lately) {
  recent_map<int> of(2);
  of.touch("anna", 1);
  of.touch("bert", 2);
  of.touch("anna", 0);
  EXPECT_NE(of.find("bert"), nullptr);  // to look is not to come
  of.touch("carl", 3);
  EXPECT_EQ(of.find("bert"), nullptr);
  EXPECT_EQ(*of.find("anna"), 1);
  EXPECT_EQ(*of.find("carl"), 3);
  EXPECT_EQ(of.size(), 2U);
}

TEST(recent_map, what_was_erased_begins_anew) {
  recent_map<int> of(2);
  of.touch("anna", 1);
  of.erase("anna");
  of.erase("anna");
  EXPECT_EQ(of.size(), 0U);
  EXPECT_EQ(of.touch("anna", 5), 5);
}

}  // namespace
}  // namespace sluice::base
