#include "base/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace sluice::base {
namespace {

using testing::HasSubstr;
using testing::Not;

class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "audit-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string text(const char* name = "audit.log") const {
    std::ostringstream all;
    all << std::ifstream(path_ / name).rdbuf();
    return all.str();
  }

 private:
  std::filesystem::path path_;
};

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

audit_line line(std::string path) {
  return {.who = "anna",
          .from = {.address = "192.0.2.1", .protocol = "tus"},
          .what = "put",
          .path = std::move(path),
          .bytes = 5};
}

TEST(audit_log, writes_a_line_for_each) {
  const folder where;
  {
    auto log = audit_log::open(where.path());
    ASSERT_TRUE(log);
    (*log)->note(line("in/a"));
    auto refused = line("in/b");
    refused.failed = errc::not_allowed;
    (*log)->note(refused);
  }
  EXPECT_THAT(where.text(),
              HasSubstr(R"("who":"anna","from":"192.0.2.1","protocol":"tus","what":"put",)"
                        R"("path":"in/a","bytes":5,"result":"done"})"));
  EXPECT_THAT(where.text(), HasSubstr(R"("result":"not_allowed"})"));
  EXPECT_EQ(std::filesystem::status(where.path() / "audit.log").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(audit_log, no_name_forges_a_line_or_drives_a_terminal) {
  const folder where;
  (*audit_log::open(where.path()))->note(line("a\"\\\n\x1b[31m\xff\xe2\x80\xae.mov"));
  EXPECT_EQ(lines_of(where.text()), 1U);
  EXPECT_THAT(where.text(), HasSubstr(R"("path":"a\"\\\u000a\u001b[31m\\xff\u202e.mov")"));
}

TEST(audit_log, a_full_file_gets_a_number_and_the_oldest_goes) {
  const folder where;
  {
    auto log = audit_log::open(where.path(), {.file_bytes = 400, .files = 3});
    for (int i = 0; i < 40; ++i) (*log)->note(line("file " + std::to_string(i)));
  }
  EXPECT_THAT(where.text(), HasSubstr("file 39"));
  EXPECT_LE(where.text().size(), 400U);
  EXPECT_LE(where.text("audit.log.1").size(), 400U);
  EXPECT_LE(where.text("audit.log.2").size(), 400U);
  EXPECT_FALSE(std::filesystem::exists(where.path() / "audit.log.3"));
  EXPECT_THAT(where.text("audit.log.2"), Not(HasSubstr("file 0\"")));
}

TEST(audit_log, what_anybody_can_repeat_is_told_once_and_never_floods) {
  const folder where;
  {
    auto log = audit_log::open(where.path(), {.repeatable_a_second = 3});
    auto guess = line("");
    guess.who.clear();
    guess.failed = errc::not_allowed;
    guess.repeatable = true;
    for (int i = 0; i < 1000; ++i) {
      guess.path = "x" + std::to_string(i);
      (*log)->note(guess);
    }
    for (int i = 0; i < 1000; ++i) {
      guess.from.address = "192.0.2." + std::to_string(i);
      (*log)->note(guess);
    }
    (*log)->note(line("a"));
  }
  EXPECT_LE(lines_of(where.text()), 60U);
  EXPECT_THAT(where.text(), HasSubstr(R"("path":"a")"));
  EXPECT_THAT(where.text(), HasSubstr("left out"));
}

TEST(audit_log, it_goes_on_where_it_was) {
  const folder where;
  (*audit_log::open(where.path()))->note(line("first"));
  (*audit_log::open(where.path()))->note(line("second"));
  EXPECT_EQ(lines_of(where.text()), 2U);
}

}  // namespace
}  // namespace sluice::base
