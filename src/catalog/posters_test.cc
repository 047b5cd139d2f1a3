#include "catalog/posters.h"

#include <gtest/gtest.h>

#include "catalog/database.h"
#include "catalog/test_folder.h"

namespace sluice::catalog {
namespace {

using bytes = std::vector<std::byte>;

class Posters : public ::testing::Test {
 protected:
  static content_state file(std::uint64_t number) { return {{0, number, 7}, 1000, 5}; }
  static bytes picture(int of) { return bytes(100, static_cast<std::byte>(of)); }

  void put(const content_state& of, const bytes& what, std::int64_t most = posters_max) {
    const auto done = catalog_->write([&](session& s) -> result<void> {
      put_poster(s, of, what, most);
      return {};
    });
    ASSERT_TRUE(done) << done.error().message();
  }
  bytes find(const content_state& of) {
    return catalog_->read([&](session& s) { return find_poster(s, of); }).value();
  }

  test::folder folder_;
  std::unique_ptr<database> catalog_ = database::open(folder_.path(), {}).value();
};

TEST_F(Posters, OfOneStateOfAFile) {
  put(file(1), picture(1));
  EXPECT_EQ(find(file(1)), picture(1));
  auto changed = file(1);
  ++changed.mtime_ns;
  EXPECT_TRUE(find(changed).empty());
  EXPECT_TRUE(find(file(2)).empty());
}

TEST_F(Posters, TheLastOneCounts) {
  put(file(1), picture(1));
  put(file(1), picture(2));
  EXPECT_EQ(find(file(1)), picture(2));
}

TEST_F(Posters, GoWithTheirFile) {
  put(file(1), picture(1));
  const auto gone = catalog_->write([&](session& s) -> result<void> {
    remove_content(s, file(1).file);
    return {};
  });
  ASSERT_TRUE(gone);
  EXPECT_TRUE(find(file(1)).empty());
}

TEST_F(Posters, TheOldestGoesForOneThatIsTooMuch) {
  for (int i = 1; i <= 3; ++i) put(file(static_cast<std::uint64_t>(i)), picture(i), 3);
  EXPECT_EQ(find(file(1)), picture(1));
  put(file(4), picture(4), 3);
  EXPECT_TRUE(find(file(1)).empty());
  EXPECT_EQ(find(file(2)), picture(2));
  EXPECT_EQ(find(file(4)), picture(4));
}

}  // namespace
}  // namespace sluice::catalog
