#include "base/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace sluice::base {
namespace {

class replacing : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-base-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static unsigned mode_of(const std::filesystem::path& file) {
    struct stat facts{};
    EXPECT_EQ(::stat(file.c_str(), &facts), 0);
    return facts.st_mode & 0777U;
  }

  std::filesystem::path folder_;
};

TEST_F(replacing, has_the_new_content_and_mode_and_leaves_no_draft) {
  const auto file = folder_ / "kept";
  ASSERT_TRUE(replace_file(file, "a long first content", 0644));
  ASSERT_TRUE(replace_file(file, "second", 0600));
  EXPECT_EQ(text_of(file), "second");
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_FALSE(std::filesystem::exists(draft_of(file)));
}

TEST_F(replacing, a_draft_that_others_could_read_is_closed_to_them) {
  const auto file = folder_ / "kept";
  std::ofstream(draft_of(file)) << "what a crash left, which is longer";
  std::filesystem::permissions(draft_of(file), std::filesystem::perms(0666));
  ASSERT_TRUE(replace_file(file, "secret", 0600));
  EXPECT_EQ(text_of(file), "secret");
  EXPECT_EQ(mode_of(file), 0600U);
}

TEST_F(replacing, keeps_the_old_content_where_it_fails) {
  const auto file = folder_ / "kept";
  ASSERT_TRUE(replace_file(file, "old", 0600));
  std::filesystem::create_symlink("elsewhere", draft_of(file));
  EXPECT_FALSE(replace_file(file, "new", 0600)) << "a link is not followed";
  EXPECT_EQ(text_of(file), "old");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
  EXPECT_EQ(replace_file(folder_ / "none/kept", "new", 0600).error().code, errc::not_found);
}

}  // namespace
}  // namespace sluice::base
