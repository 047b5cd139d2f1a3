#include "transfer/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;
using testing::ElementsAre;

class upload_in_blocks : public testing::Test {
 protected:
  std::shared_ptr<upload> open(const std::string& path, std::optional<std::uint64_t> size) {
    return value(world_.uploads().open(request_for(path, size))).upload;
  }
  world world_;
};

TEST_F(upload_in_blocks, becomes_a_file_when_all_are_there) {
  const auto content = content_of(3 * mib + 17);
  auto one = open("a.mp4", content.size());
  auto writer = one->attach({}, unasked());
  for (std::uint64_t block : {3, 0, 2, 1}) ASSERT_TRUE(send(*writer, content, block));
  EXPECT_FALSE(std::filesystem::exists(world_.root() / "a.mp4"));
  const auto entry = finish(*one);
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->name, "a.mp4");
  EXPECT_EQ(entry->size_bytes, content.size());
  EXPECT_EQ(entry->mtime_ns, 1'600'000'000'123'456'789);
  EXPECT_FALSE(entry->executable);
  EXPECT_EQ(world_.read("a.mp4"), content);
  EXPECT_EQ(world_.partial_count(), 0U);
}

TEST_F(upload_in_blocks, of_an_empty_file_needs_none) {
  auto one = open("empty", 0);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(std::filesystem::file_size(world_.root() / "empty"), 0U);
}

TEST_F(upload_in_blocks, keeps_the_executable_bit) {
  auto wanted = request_for("run.sh", 0);
  wanted.executable = true;
  auto one = value(world_.uploads().open(wanted)).upload;
  const auto entry = finish(*one);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->executable);
}

TEST_F(upload_in_blocks, refuses_a_wrong_digest_and_takes_the_block_again) {
  const auto content = content_of(2 * mib);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  EXPECT_FAILS(writer->write(0, block_of(content, 0), base::digest_of(block_of(content, 1))),
               errc::bad_digest);
  EXPECT_EQ(one->held_count(), 0U);
  send_all(*writer, content);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

TEST_F(upload_in_blocks, refuses_what_is_no_whole_block_of_the_file) {
  const auto content = content_of(3 * mib);
  auto one = open("a", 2 * mib + 100);
  auto writer = one->attach({}, unasked());
  const auto put = [&](std::uint64_t offset, std::size_t size) {
    const auto payload = std::span(content).first(size);
    return writer->write(offset, payload, base::digest_of(payload));
  };
  EXPECT_FAILS(put(1, mib), errc::invalid_argument);
  EXPECT_FAILS(put(0, mib - 1), errc::invalid_argument);
  EXPECT_FAILS(put(0, mib + 1), errc::invalid_argument);
  EXPECT_FAILS(put(0, 0), errc::invalid_argument);
  EXPECT_FAILS(put(2 * mib, 99), errc::invalid_argument);
  EXPECT_FAILS(put(2 * mib, 101), errc::invalid_argument);
  EXPECT_FAILS(put(2 * mib, mib), errc::invalid_argument);
  EXPECT_FAILS(put(3 * mib, 100), errc::invalid_argument);
  EXPECT_FAILS(put(base::file_bytes_max + 1 - mib, mib), errc::invalid_argument);
  EXPECT_TRUE(put(2 * mib, 100));
  EXPECT_TRUE(put(mib, mib));
  EXPECT_EQ(one->held_count(), 2U);
}

TEST_F(upload_in_blocks, is_refused_while_blocks_are_missing) {
  const auto content = content_of(3 * mib);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  ASSERT_TRUE(send(*writer, content, 0));
  ASSERT_TRUE(send(*writer, content, 2));
  EXPECT_FAILS(finish(*one), errc::conflict);
  EXPECT_FAILS(finish(*one, 2 * mib), errc::conflict);
  ASSERT_TRUE(send(*writer, content, 1));
  ASSERT_TRUE(finish(*one, 3 * mib));
}

TEST_F(upload_in_blocks, takes_a_block_again_and_the_later_one_counts) {
  const auto before = content_of(2 * mib, 1), after = content_of(2 * mib, 2);
  auto one = open("a", before.size());
  auto writer = one->attach({}, unasked());
  send_all(*writer, before);
  ASSERT_TRUE(send(*writer, before, 0));
  ASSERT_TRUE(checkpoint(*one));
  ASSERT_TRUE(send(*writer, before, 0));
  ASSERT_TRUE(send(*writer, after, 1));
  EXPECT_THAT(one->durable(), ElementsAre(block_range{0, 1}));
  ASSERT_TRUE(finish(*one));
  const auto found = world_.read("a");
  EXPECT_EQ(base::digest_of(block_of(found, 0)), base::digest_of(block_of(before, 0)));
  EXPECT_EQ(base::digest_of(block_of(found, 1)), base::digest_of(block_of(after, 1)));
}

TEST_F(upload_in_blocks, of_unknown_size_ends_with_a_short_block) {
  const auto content = content_of(2 * mib + 5);
  auto one = open("a", std::nullopt);
  auto writer = one->attach({}, unasked());
  EXPECT_FAILS(finish(*one), errc::invalid_argument);
  ASSERT_TRUE(send(*writer, content, 2));
  EXPECT_EQ(one->size_bytes(), content.size());
  ASSERT_TRUE(send(*writer, content, 0));
  EXPECT_FAILS(writer->write(3 * mib, block_of(content, 0), base::digest_of(block_of(content, 0))),
               errc::invalid_argument);
  EXPECT_FAILS(finish(*one, content.size()), errc::conflict);
  ASSERT_TRUE(send(*writer, content, 1));
  EXPECT_FAILS(finish(*one, content.size() + 1), errc::conflict);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

TEST_F(upload_in_blocks, of_unknown_size_may_have_whole_blocks_only) {
  const auto content = content_of(2 * mib);
  auto one = open("a", std::nullopt);
  auto writer = one->attach({}, unasked());
  send_all(*writer, content);
  EXPECT_FAILS(finish(*one, mib), errc::conflict);
  EXPECT_FAILS(finish(*one, 2 * mib - 1), errc::conflict);
  EXPECT_FAILS(finish(*one, 2 * mib + 1), errc::conflict);
  ASSERT_TRUE(finish(*one, 2 * mib));
  EXPECT_EQ(world_.read("a"), content);
}

TEST_F(upload_in_blocks, of_unknown_size_has_no_short_block_before_others) {
  const auto content = content_of(2 * mib);
  auto one = open("a", std::nullopt);
  auto writer = one->attach({}, unasked());
  ASSERT_TRUE(send(*writer, content, 1));
  const auto payload = std::span(content).first(10);
  EXPECT_FAILS(writer->write(0, payload, base::digest_of(payload)), errc::invalid_argument);
}

TEST_F(upload_in_blocks, takes_a_block_in_pieces) {
  const auto content = content_of(mib + 100);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  {
    auto block = value(writer->begin(0, mib, base::digest_of(block_of(content, 0))));
    for (std::size_t at = 0; at < mib; at += mib / 4) {
      EXPECT_EQ(one->held_count(), 0U);
      ASSERT_TRUE(block.append(std::span(content).subspan(at, mib / 4)));
    }
    EXPECT_FAILS(block.append(std::span(content).first(1)), errc::invalid_argument);
    ASSERT_TRUE(block.finish());
  }
  auto last = value(writer->begin(mib, 100, std::nullopt));
  ASSERT_TRUE(last.append(std::span(content).subspan(mib, 60)));
  EXPECT_FAILS(last.finish(), errc::invalid_argument);
  ASSERT_TRUE(last.append(std::span(content).subspan(mib + 60)));
  ASSERT_TRUE(last.finish());
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

TEST_F(upload_in_blocks, in_pieces_with_a_wrong_digest_does_not_count) {
  const auto content = content_of(mib);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  auto block = value(writer->begin(0, mib, base::digest128{}));
  ASSERT_TRUE(block.append(content));
  EXPECT_FAILS(block.finish(), errc::bad_digest);
  EXPECT_EQ(one->held_count(), 0U);
  EXPECT_FAILS(finish(*one), errc::conflict);
}

// Bytes that may be wrong never overwrite a block that the catalog says is here.
TEST_F(upload_in_blocks, in_pieces_over_a_durable_block_forgets_it_first) {
  const auto content = content_of(mib, 1), other = content_of(mib, 2);
  const auto digest = base::digest_of(content);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  ASSERT_TRUE(send(*writer, content, 0));
  ASSERT_TRUE(checkpoint(*one));
  const auto recorded = [&] {
    return value(world_.catalog().read(
        [&](catalog::session& s) { return catalog::blocks_of(s, one->id()).size(); }));
  };
  {  // the same digest: compared, and nothing is written, whatever comes
    auto block = value(writer->begin(0, mib, digest));
    ASSERT_TRUE(block.append(other));
    EXPECT_EQ(recorded(), 1U);
    EXPECT_FAILS(block.finish(), errc::bad_digest);
  }
  EXPECT_EQ(one->held_count(), 1U);
  {
    auto block = value(writer->begin(0, mib, base::digest_of(other)));
    EXPECT_EQ(recorded(), 0U);
    ASSERT_TRUE(block.append(std::span(other).first(1000)));
  }
  EXPECT_EQ(one->held_count(), 0U);
  ASSERT_TRUE(send(*writer, content, 0));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

TEST_F(upload_in_blocks, a_later_sender_of_a_block_fences_off_the_one_before) {
  const auto content = content_of(mib, 1), other = content_of(mib, 2);
  auto one = open("a", content.size());
  auto slow = one->attach({}, unasked()), fast = one->attach({}, unasked());
  auto block = value(slow->begin(0, mib, base::digest_of(other)));
  ASSERT_TRUE(block.append(std::span(other).first(mib / 2)));
  ASSERT_TRUE(send(*fast, content, 0));
  EXPECT_FAILS(block.append(std::span(other).subspan(mib / 2)), errc::conflict);
  EXPECT_FAILS(block.finish(), errc::conflict);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

// What a sender has in the kernel's hands when the upload ends must not land in the finished file.
TEST(an_upload_that_ends, waits_for_who_still_writes_and_fences_him_off) {
  slow_files files;
  world w(world::quiet(), files);
  const auto content = content_of(mib), more = content_of(mib, 2);
  const auto one = value(w.uploads().open(request_for("a", std::nullopt))).upload;
  const auto slow = one->attach({}, unasked()), fast = one->attach({}, unasked());
  ASSERT_TRUE(send(*fast, content, 0));
  auto beyond = value(slow->begin(mib, mib, std::nullopt));
  files.hold = true;
  std::thread writing([&] { (void)beyond.append(std::span(more).first(10)); });
  files.writes.get_future().wait();
  std::atomic<bool> ended = false;
  std::thread ending([&] {
    EXPECT_TRUE(finish(*one, mib));
    ended = true;
  });
  for (int i = 0; i < 20'000 && !ended; ++i) std::this_thread::yield();  // it ends, if it can
  files.go_on.set_value();
  writing.join();
  ending.join();
  EXPECT_FAILS(beyond.append(std::span(more).first(10)), errc::conflict);
  EXPECT_EQ(w.read("a"), content);
}

TEST_F(upload_in_blocks, several_threads_send_the_same_blocks) {
  const auto content = content_of(12 * mib + 3);
  auto one = open("a", content.size());
  std::vector<std::thread> threads;
  std::atomic<int> conflicts = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto writer = one->attach({}, unasked());
      for (std::uint64_t i = 0; i < block_count(content); ++i) {
        const auto block = (i * 5 + static_cast<std::uint64_t>(t)) % block_count(content);
        auto sent = send(*writer, content, block);
        if (!sent) {
          EXPECT_EQ(sent.error().code, errc::conflict) << sent.error().message();
          ++conflicts;
        }
        if (i % 4 == 0) {
          EXPECT_TRUE(checkpoint(*one));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(one->held_count(), block_count(content));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

TEST_F(upload_in_blocks, thrown_away_leaves_nothing) {
  const auto content = content_of(2 * mib);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  send_all(*writer, content);
  auto block = value(writer->begin(0, mib, std::nullopt));
  ASSERT_TRUE(one->abort());
  EXPECT_FAILS(block.append(std::span(content).first(1)), errc::conflict);
  EXPECT_FAILS(send(*writer, content, 0), errc::not_found);
  EXPECT_FAILS(finish(*one), errc::not_found);
  EXPECT_FAILS(checkpoint(*one), errc::not_found);
  EXPECT_TRUE(one->abort());
  EXPECT_FAILS(world_.uploads().join(one->id()), errc::not_found);
  EXPECT_EQ(world_.partial_count(), 0U);
  EXPECT_FALSE(std::filesystem::exists(world_.root() / "a"));
}

TEST_F(upload_in_blocks, tells_the_digests_of_what_it_holds_and_reads_them_again) {
  const auto content = content_of(3 * mib + 9);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  for (std::uint64_t block : {0, 2, 3}) ASSERT_TRUE(send(*writer, content, block));
  ASSERT_TRUE(checkpoint(*one));
  EXPECT_EQ(one->block_end(), 4U);
  const auto held = one->held(1, 100);
  ASSERT_EQ(held.size(), 2U);
  EXPECT_EQ(held[0].block, 2U);
  EXPECT_EQ(held[0].digest, base::digest_of(block_of(content, 2)));
  auto read = one->digests(0, 4, digest_source::content);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 3U);
  for (const auto& each : *read) {
    EXPECT_EQ(each.digest, base::digest_of(block_of(content, each.block)));
    EXPECT_EQ(each.recorded, each.digest);
  }
  EXPECT_EQ(value(one->digests(0, 4, digest_source::recorded)).size(), 3U);
}

// A client that goes on with the upload of another sends what it is not told, and counts on the
// rest: with what was only received, a crash of the server would leave the upload with holes.
TEST_F(upload_in_blocks, tells_the_digests_only_of_what_a_crash_leaves) {
  const auto content = content_of(3 * mib);
  const auto id = [&] {
    auto one = open("a", content.size());
    auto writer = one->attach({}, unasked());
    for (std::uint64_t block : {0, 2}) EXPECT_TRUE(send(*writer, content, block));
    EXPECT_EQ(value(one->digests(0, 3, digest_source::recorded)).size(), 2U);
    EXPECT_EQ(one->durable().size(), 2U);
    return one->id();
  }();
  world_.reopen();
  EXPECT_EQ(value(world_.uploads().join(id)).upload->held_count(), 2U);
}

TEST_F(upload_in_blocks, a_flipped_bit_is_found_and_the_block_taken_again) {
  const auto content = content_of(2 * mib);
  auto one = open("a", content.size());
  auto writer = one->attach({}, unasked());
  send_all(*writer, content);
  ASSERT_TRUE(checkpoint(*one));
  {
    const auto file = world_.root() / ".sluice" / "partials" / (one->id() + ".part");
    std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(static_cast<std::streamoff>(mib + 7));
    damaged.put(static_cast<char>(content[mib + 7]) ^ 1);
  }
  auto read = value(one->digests(0, 2, digest_source::content));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].digest, read[0].recorded);
  EXPECT_NE(read[1].digest, read[1].recorded);
  EXPECT_FAILS(finish(*one), errc::conflict);
  ASSERT_TRUE(send(*writer, content, 1));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(world_.read("a"), content);
}

}  // namespace
}  // namespace sluice::transfer
