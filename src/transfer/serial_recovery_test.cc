// What a serial writer's upload is after a restart, a failed sync, and damage.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

std::shared_ptr<serial_writer> go_on(world& w, const std::string& id) {
  return value(value(w.uploads().join(id)).upload->write_serially({}, unasked()));
}

std::filesystem::path partial_of(world& w, const std::string& id) {
  return w.root() / ".sluice" / "partials" / (id + ".part");
}

void damage(world& w, const std::string& id, std::uint64_t offset) {
  std::fstream file(partial_of(w, id), std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const auto was = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(~was));
}

TEST(serial_recovery, goes_on_at_the_durable_byte) {
  for (const std::uint64_t at : {1UL, 4096UL, mib - 1, mib, mib + 1, 2 * mib + 70'000}) {
    world w;
    const auto content = content_of(3 * mib + 11);
    const auto id = value(w.uploads().open(serial_request("a", content.size()))).upload->id();
    {
      const auto writer = go_on(w, id);
      ASSERT_TRUE(append(*writer, content, at, 33'333));
      ASSERT_EQ(value(checkpoint(*writer)), at);
    }
    w.reopen();
    const auto writer = go_on(w, id);
    ASSERT_EQ(writer->offset(), at);
    ASSERT_TRUE(append(*writer, content, content.size()));
    ASSERT_TRUE(finish(writer->home()));
    ASSERT_EQ(w.read("a"), content) << at;
  }
}

TEST(serial_recovery, goes_on_again_and_again) {
  world w;
  const auto content = content_of(mib + 500);
  const auto id = value(w.uploads().open(serial_request("a", content.size()))).upload->id();
  for (std::uint64_t at = 0; at < content.size(); at += 150'000) {
    {
      const auto writer = go_on(w, id);
      ASSERT_EQ(writer->offset(), at);
      ASSERT_TRUE(append(*writer, content, std::min<std::uint64_t>(at + 150'000, content.size())));
      ASSERT_TRUE(checkpoint(*writer));
    }
    if (at % 300'000 == 0) w.reopen();
  }
  ASSERT_TRUE(finish(*value(w.uploads().join(id)).upload));
  EXPECT_EQ(w.read("a"), content);
}

TEST(serial_recovery, a_size_that_was_declared_is_known) {
  world w;
  const auto content = content_of(mib + 5);
  const auto id = value(w.uploads().open(serial_request("a", std::nullopt))).upload->id();
  {
    const auto writer = go_on(w, id);
    ASSERT_TRUE(append(*writer, content, mib + 5));
    ASSERT_TRUE(checkpoint(*writer));
    ASSERT_TRUE(writer->declare_size(mib + 5));
  }
  w.reopen();
  const auto one = value(w.uploads().join(id)).upload;
  EXPECT_EQ(one->size_bytes(), mib + 5);
  EXPECT_TRUE(one->is_whole());
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
}

TEST(serial_recovery, an_end_that_is_not_what_was_recorded_is_sent_again) {
  world w;
  const auto content = content_of(2 * mib);
  const auto id = value(w.uploads().open(serial_request("a", 2 * mib))).upload->id();
  {
    const auto writer = go_on(w, id);
    ASSERT_TRUE(append(*writer, content, mib + 5000));
    ASSERT_TRUE(checkpoint(*writer));
  }
  w.close();
  damage(w, id, mib + 4000);
  w.open();
  {
    const auto writer = go_on(w, id);
    EXPECT_EQ(writer->offset(), mib);
  }
  w.reopen();  // durably
  const auto writer = go_on(w, id);
  EXPECT_EQ(writer->offset(), mib);
  ASSERT_TRUE(append(*writer, content, 2 * mib));
  ASSERT_TRUE(finish(writer->home()));
  EXPECT_EQ(w.read("a"), content);
}

// What lies behind a block that is no more is written over, so it must not count any more first.
TEST(serial_recovery, nothing_behind_a_damaged_block_counts) {
  world w;
  const auto content = content_of(4 * mib);
  const auto id = value(w.uploads().open(serial_request("a", 4 * mib))).upload->id();
  {
    const auto writer = go_on(w, id);
    ASSERT_TRUE(append(*writer, content, 3 * mib + 100));
    ASSERT_TRUE(checkpoint(*writer));
  }
  w.close();
  damage(w, id, mib + 7);
  w.open();
  const auto one = value(w.uploads().join(id)).upload;
  (void)value(one->digests(0, 10, digest_source::content));  // which finds it
  EXPECT_EQ(one->durable_bytes(), mib);
  const auto writer = value(one->write_serially({}, unasked()));
  EXPECT_EQ(writer->offset(), mib);
  EXPECT_EQ(one->held_count(), 1U);
  const auto left = value(w.catalog().read([&](catalog::session& s) {
    return std::pair(catalog::blocks_of(s, id).size(), catalog::tail_of(s, id).has_value());
  }));
  EXPECT_EQ(left, std::pair(std::size_t{1}, false));
  ASSERT_TRUE(append(*writer, content, 4 * mib));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
}

class failing_syncs : public store::forwarding_files {
 public:
  failing_syncs() : forwarding_files(store::linux_files()) {}
  int answer = 0;

 protected:
  int before(store::file_call call) override {
    return call == store::file_call::fdatasync ? std::exchange(answer, 0) : 0;
  }
};

TEST(serial_recovery, after_a_failed_sync_it_is_back_at_the_durable_byte) {
  failing_syncs files;
  world w(world::quiet(), files);
  const auto content = content_of(3 * mib);
  const auto one = value(w.uploads().open(serial_request("a", 3 * mib))).upload;
  const auto writer = value(one->write_serially({}, unasked()));
  ASSERT_TRUE(append(*writer, content, mib + 10));
  ASSERT_TRUE(checkpoint(*writer));
  ASSERT_TRUE(append(*writer, content, 2 * mib + 20));
  files.answer = -EIO;
  EXPECT_FAILS(checkpoint(*writer), errc::io);
  EXPECT_FALSE(writer->append(std::span(content).first(1)));
  w.site().store.readmit_volume();
  const auto again = value(one->write_serially({}, unasked()));
  EXPECT_EQ(again->offset(), mib + 10);
  ASSERT_TRUE(append(*again, content, 3 * mib));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
  w.close();
}

// A full disk: what is there stays, and the upload goes on after space is made.
TEST(serial_recovery, after_a_full_disk_it_goes_on) {
  class full_disk : public store::forwarding_files {
   public:
    full_disk() : forwarding_files(store::linux_files()) {}
    ssize_t pwrite(int fd, std::span<const std::byte> piece, std::int64_t offset) override {
      const auto end = static_cast<std::uint64_t>(offset) + piece.size();
      if (is_full && end > mib + 300) return -ENOSPC;
      return forwarding_files::pwrite(fd, piece, offset);
    }
    bool is_full = true;
  } files;
  world w(world::quiet(), files);
  const auto content = content_of(2 * mib);
  const auto one = value(w.uploads().open(serial_request("a", 2 * mib))).upload;
  {
    const auto writer = value(one->write_serially({}, unasked()));
    ASSERT_TRUE(append(*writer, content, mib + 300, 100));
    EXPECT_FAILS(append(*writer, content, mib + 301), errc::no_space);
    EXPECT_EQ(value(checkpoint(*writer)), mib + 300);
  }
  files.is_full = false;
  const auto writer = value(one->write_serially({}, unasked()));
  EXPECT_EQ(writer->offset(), mib + 300);
  ASSERT_TRUE(append(*writer, content, 2 * mib));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
  w.close();
}

TEST(serial_recovery, an_idle_one_expires) {
  world w;
  const auto id = value(w.uploads().open(serial_request("a", 100))).upload->id();
  {
    const auto writer = go_on(w, id);
    ASSERT_TRUE(append(*writer, content_of(100), 50));
    ASSERT_TRUE(checkpoint(*writer));
  }
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(7 * 24 - 1)));
  {
    const auto writer = go_on(w, id);  // a byte is activity
    ASSERT_TRUE(append(*writer, content_of(100), 51));
    ASSERT_TRUE(checkpoint(*writer));
  }
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(7 * 24 - 1)));
  const std::weak_ptr<upload> seen = value(w.uploads().join(id)).upload;
  // Its last owner may still be on its way out of the checkpoint.
  while (!seen.expired()) (void)w.uploads().open_count();
  ASSERT_TRUE(w.uploads().age(std::chrono::hours(1)));
  EXPECT_FAILS(w.uploads().join(id), errc::not_found);
  EXPECT_EQ(w.partial_count(), 0U);
}

}  // namespace
}  // namespace sluice::transfer
