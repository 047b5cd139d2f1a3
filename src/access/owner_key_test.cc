#include "access/owner_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "access/test_table.h"

namespace sluice::access {
namespace {

using test::value;

std::string key_in(const std::filesystem::path& folder) {
  std::ifstream file(folder / owner_key_file);
  std::string line;
  std::getline(file, line);
  return line;
}

TEST(owner_key, is_made_once_and_kept_where_only_its_owner_reads_it) {
  test::world w;
  const auto key = value(make_owner(w.table(), w.folder()));
  ASSERT_TRUE(key);
  EXPECT_EQ(key_in(w.folder()), key->reveal());
  struct stat file{};
  ASSERT_EQ(::stat((w.folder() / owner_key_file).c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  EXPECT_EQ(value(w.table().find_by_token(*key))->may("x"), base::rights::all());
  w.reopen();
  EXPECT_FALSE(value(make_owner(w.table(), w.folder())));
  EXPECT_TRUE(w.table().find_by_token(*key));
}

TEST(owner_key, whoever_removes_the_file_gets_no_new_one) {
  test::world w;
  const auto key = value(make_owner(w.table(), w.folder()));
  std::filesystem::remove(w.folder() / owner_key_file);
  EXPECT_FALSE(value(make_owner(w.table(), w.folder())));
  EXPECT_TRUE(w.table().find_by_token(*key));
}

// Killed behind each step: the next start goes on until there is a key that works.
TEST(owner_key, is_made_again_where_a_kill_left_it_half_made) {
  for (const int steps : {0, 1, 2}) {
    test::world w;
    std::ofstream(w.folder() / "owner-key.new") << "half";
    if (steps > 0) value(w.table().add_account("owner", "", {{"", base::rights::all()}}));
    if (steps > 1) (void)value(w.table().add_token({.account = "owner"}));
    w.reopen();
    const auto key = value(make_owner(w.table(), w.folder()));
    ASSERT_TRUE(key) << steps;
    EXPECT_TRUE(w.table().find_by_token(*key));
    EXPECT_EQ(w.table().tokens().size(), 1U);
    EXPECT_EQ(key_in(w.folder()), key->reveal());
    EXPECT_FALSE(std::filesystem::exists(w.folder() / "owner-key.new"));
  }
}

TEST(owner_key, is_not_made_where_it_cannot_be_kept) {
  test::world w;
  EXPECT_FALSE(make_owner(w.table(), w.folder() / "none"));
  EXPECT_TRUE(w.table().accounts().empty());
}

}  // namespace
}  // namespace sluice::access
