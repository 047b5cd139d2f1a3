#include "transfer/downloads.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transfer/names.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

class a_download : public testing::Test {
 protected:
  // A file that someone copied in, a while ago.
  void copy_in(const std::string& name, const bytes& content) {
    world_.write(name, content);
    set_time(name, 1'500'000'000);
  }
  void set_time(const std::string& name, std::int64_t seconds) {
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (world_.root() / name).c_str(), times, 0), 0);
  }
  std::optional<catalog::content_row> recorded(const std::string& name) {
    // The commit of a record is not waited for by anyone; the queue is in order.
    value(world_.catalog().write([](catalog::session&) -> result<void> { return {}; }));
    const auto file = value(world_.tree().stat(name));
    return value(world_.catalog().read([&](catalog::session& s) {
      return catalog::find_content(s, to_catalog(file.id), file.size_bytes, file.mtime_ns);
    }));
  }
  world world_;
  bytes content_ = content_of(2 * mib + 100);
};

TEST_F(a_download, of_an_upload_knows_its_digests) {
  const auto one = value(world_.uploads().open(request_for("a", content_.size()))).upload;
  send_all(*one->attach({}, unasked()), content_);
  const auto entry = value(finish(*one));
  const auto file = value(world_.downloads().open("a"));
  EXPECT_EQ(file->info(), entry);
  EXPECT_EQ(file->block_count(), 3U);
  for (std::uint64_t block = 0; block < 3; ++block) {
    EXPECT_EQ(file->recorded(block), base::digest_of(block_of(content_, block)));
  }
  EXPECT_FALSE(file->recorded(3));
  EXPECT_EQ(file->recorded(2 * mib, 100), base::digest_of(block_of(content_, 2)));
  EXPECT_FALSE(file->recorded(2 * mib, 99));
  EXPECT_FALSE(file->recorded(1, mib));
  bytes read(content_.size());
  ASSERT_EQ(::pread(file->fd(), read.data(), read.size(), 0), static_cast<ssize_t>(read.size()));
  EXPECT_EQ(read, content_);
}

TEST_F(a_download, of_a_file_copied_in_records_its_digests_once_all_are_known) {
  copy_in("a", content_);
  auto left = value(world_.downloads().open("a"));
  auto right = value(world_.downloads().open("a"));
  EXPECT_FALSE(left->recorded(0));
  EXPECT_EQ(value(left->digest(0)), base::digest_of(block_of(content_, 0)));
  EXPECT_TRUE(right->recorded(0)) << "those who have it open share what they know";
  bytes block(mib);
  EXPECT_EQ(value(right->read(mib, block)), base::digest_of(block_of(content_, 1)));
  EXPECT_EQ(base::digest_of(block), base::digest_of(block_of(content_, 1)));
  EXPECT_FALSE(recorded("a"));
  EXPECT_EQ(value(left->digest(2 * mib, 100)), base::digest_of(block_of(content_, 2)));
  const auto row = recorded("a");
  ASSERT_TRUE(row);
  ASSERT_EQ(row->digests.size(), 3U);
  EXPECT_EQ(row->digests[2], base::digest_of(block_of(content_, 2)));
  left.reset();
  right.reset();  // they keep the store open
  world_.reopen();
  EXPECT_TRUE(value(world_.downloads().open("a"))->recorded(1));
}

TEST_F(a_download, of_part_of_a_block_gives_the_digest_of_the_part) {
  copy_in("a", content_);
  const auto file = value(world_.downloads().open("a"));
  EXPECT_EQ(value(file->digest(10, 20)), base::digest_of(std::span(content_).subspan(10, 20)));
  bytes part(33);
  EXPECT_EQ(value(file->read(mib, part)), base::digest_of(std::span(content_).subspan(mib, 33)));
  EXPECT_FALSE(file->recorded(0));
  EXPECT_FALSE(file->recorded(1));
  EXPECT_FAILS(file->digest(2 * mib, 101), errc::changed);
  EXPECT_FAILS(file->digest(3), errc::changed);
}

TEST_F(a_download, of_a_file_that_changed_records_nothing) {
  copy_in("a", content_);
  const auto file = value(world_.downloads().open("a"));
  value(file->digest(0));
  value(file->digest(1));
  set_time("a", 1'500'000'001);
  value(file->digest(2));
  EXPECT_FALSE(recorded("a"));
  EXPECT_FAILS(file->check_unchanged(), errc::changed);
  set_time("a", 1'500'000'000);
  EXPECT_FALSE(recorded("a"));
}

TEST_F(a_download, of_a_file_written_just_now_records_nothing) {
  world_.write("a", content_);
  const auto file = value(world_.downloads().open("a"));
  EXPECT_EQ(value(file->digests(0, 10, digest_source::recorded)).size(), 3U);
  EXPECT_FALSE(recorded("a"));
}

TEST_F(a_download, finds_a_flipped_bit) {
  const auto one = value(world_.uploads().open(request_for("a", content_.size()))).upload;
  send_all(*one->attach({}, unasked()), content_);
  const auto entry = value(finish(*one));
  content_[mib + 3] ^= std::byte{1};
  world_.write("a", content_);
  const struct timespec times[2] = {
      {0, UTIME_OMIT}, {entry.mtime_ns / 1'000'000'000, entry.mtime_ns % 1'000'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (world_.root() / "a").c_str(), times, 0), 0);
  const auto file = value(world_.downloads().open("a"));
  const auto known = value(file->digests(0, 3, digest_source::recorded));
  const auto read = value(file->digests(0, 3, digest_source::content));
  ASSERT_EQ(known.size(), 3U);
  ASSERT_EQ(read.size(), 3U);
  for (std::uint64_t block = 0; block < 3; ++block) {
    EXPECT_FALSE(known[block].recorded);
    EXPECT_EQ(read[block].recorded, known[block].digest);
    EXPECT_EQ(read[block].digest, base::digest_of(block_of(content_, block)));
    EXPECT_EQ(read[block].digest == known[block].digest, block != 1);
  }
}

TEST_F(a_download, of_digests_is_bounded_by_the_file) {
  copy_in("a", content_);
  const auto file = value(world_.downloads().open("a"));
  EXPECT_EQ(value(file->digests(1, ~0ULL, digest_source::content)).size(), 2U);
  EXPECT_TRUE(value(file->digests(3, 1, digest_source::content)).empty());
  EXPECT_EQ(value(file->digests(2, 1, digest_source::content))[0].block, 2U);
}

TEST_F(a_download, goes_on_when_the_name_is_gone) {
  copy_in("a", content_);
  const auto file = value(world_.downloads().open("a"));
  ASSERT_TRUE(world_.tree().remove("a", false));
  EXPECT_EQ(value(file->digest(1)), base::digest_of(block_of(content_, 1)));
  EXPECT_FAILS(world_.downloads().open("a"), errc::not_found);
}

TEST_F(a_download, of_what_is_no_file_is_refused) {
  std::filesystem::create_directory(world_.root() / "folder");
  EXPECT_FAILS(world_.downloads().open("folder"), errc::not_a_file);
  EXPECT_FAILS(world_.downloads().open("none"), errc::not_found);
  EXPECT_FAILS(world_.downloads().open(".sluice/catalog.db"), errc::not_allowed);
}

}  // namespace
}  // namespace sluice::transfer
