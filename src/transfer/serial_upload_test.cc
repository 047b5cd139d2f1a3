#include "transfer/serial_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

std::shared_ptr<upload> open(world& w, std::optional<std::uint64_t> size_bytes,
                             const std::string& path = "a") {
  return value(w.uploads().open(serial_request(path, size_bytes))).upload;
}

std::shared_ptr<serial_writer> write(upload& to, fenced_callback fenced = {}) {
  return value(to.write_serially(std::move(fenced), unasked()));
}

std::uint64_t blocks_in_catalog(world& w, const upload& of) {
  return value(
             w.catalog().read([&](catalog::session& s) { return catalog::blocks_of(s, of.id()); }))
      .size();
}

TEST(serial_upload, takes_pieces_of_every_size) {
  for (const std::size_t piece : {1U, 4097U, 65'536U, 1'048'576U, 3'000'000U}) {
    world w;
    const auto content = content_of(piece == 1 ? 3000 : 3 * mib + 77);
    const auto one = open(w, content.size());
    const auto writer = write(*one);
    ASSERT_TRUE(append(*writer, content, content.size(), piece)) << piece;
    ASSERT_EQ(value(checkpoint(*writer)), content.size()) << piece;
    ASSERT_TRUE(one->is_whole());
    const auto entry = value(finish(*one));
    EXPECT_EQ(entry.size_bytes, content.size());
    EXPECT_EQ(w.read("a"), content) << piece;
  }
}

TEST(serial_upload, has_the_digests_of_its_blocks_on_record) {
  world w;
  const auto content = content_of(2 * mib + 9);
  const auto one = open(w, content.size());
  ASSERT_TRUE(append(*write(*one), content, content.size(), 300'000));
  ASSERT_TRUE(finish(*one));
  const auto blocks = value(value(w.downloads().open("a"))->digests(0, 10, digest_source::content));
  ASSERT_EQ(blocks.size(), 3U);
  for (const auto& each : blocks) {
    EXPECT_EQ(each.digest, base::digest_of(block_of(content, each.block)));
    EXPECT_EQ(each.recorded, each.digest);
  }
}

TEST(serial_upload, tells_only_what_is_durable) {
  world w;
  const auto content = content_of(mib + 100);
  const auto one = open(w, 5 * mib);
  const auto writer = write(*one);
  ASSERT_TRUE(append(*writer, content, 100));
  EXPECT_EQ(writer->offset(), 100U);
  EXPECT_EQ(one->durable_bytes(), 0U);
  EXPECT_EQ(value(checkpoint(*writer)), 100U);
  ASSERT_TRUE(append(*writer, content, mib + 100));
  EXPECT_EQ(one->durable_bytes(), 100U);
  EXPECT_EQ(value(checkpoint(*writer)), mib + 100);
  EXPECT_EQ(blocks_in_catalog(w, *one), 1U);
}

TEST(serial_upload, takes_no_byte_more_than_it_has) {
  world w;
  const auto content = content_of(2001);
  const auto one = open(w, 2000);
  const auto writer = write(*one);
  ASSERT_TRUE(append(*writer, content, 1999));
  EXPECT_FAILS(writer->append(std::span(content).subspan(1999, 2)), errc::invalid_argument);
  EXPECT_EQ(writer->offset(), 1999U);
  const auto again = write(*one);
  EXPECT_EQ(again->offset(), 1999U);
  ASSERT_TRUE(append(*again, content, 2000));
  ASSERT_TRUE(finish(*one));
}

TEST(serial_upload, of_the_largest_size_is_held_to_it) {
  world w;
  auto wanted = serial_request("a", base::file_bytes_max + 1);
  EXPECT_FAILS(w.uploads().open(wanted), errc::invalid_argument);
  const auto one = open(w, std::nullopt);
  const auto writer = write(*one);
  EXPECT_FAILS(writer->declare_size(base::file_bytes_max + 1), errc::invalid_argument);
}

TEST(serial_upload, of_no_bytes_is_whole_at_once) {
  world w;
  const auto one = open(w, 0);
  EXPECT_TRUE(one->is_whole());
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a").size(), 0U);
}

TEST(serial_upload, learns_its_size_later) {
  for (const std::uint64_t size : {500UL, 1 * mib, 2 * mib + 3}) {
    world w;
    const auto content = content_of(size);
    const auto one = open(w, std::nullopt);
    const auto writer = write(*one);
    ASSERT_TRUE(append(*writer, content, size, 400'000));
    EXPECT_FAILS(writer->declare_size(size - 1), errc::conflict);
    EXPECT_FALSE(one->is_whole());
    ASSERT_TRUE(writer->declare_size(size));
    ASSERT_TRUE(writer->declare_size(size));
    EXPECT_FAILS(writer->declare_size(size + 1), errc::conflict);
    EXPECT_FAILS(writer->append(std::span(content).first(1)), errc::invalid_argument);
    EXPECT_EQ(value(checkpoint(*writer)), size);
    EXPECT_TRUE(one->is_whole());
    ASSERT_TRUE(finish(*one));
    EXPECT_EQ(w.read("a"), content);
  }
}

TEST(serial_upload, that_learns_its_size_before_its_end_is_held_to_it) {
  world w;
  const auto content = content_of(mib + 40);
  const auto one = open(w, std::nullopt);
  const auto writer = write(*one);
  ASSERT_TRUE(append(*writer, content, 30));
  ASSERT_TRUE(writer->declare_size(mib + 40));
  ASSERT_TRUE(append(*writer, content, mib + 40, 77'777));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
}

TEST(serial_upload, that_is_not_whole_gets_no_name) {
  world w;
  const auto content = content_of(2 * mib);
  const auto one = open(w, content.size());
  ASSERT_TRUE(append(*write(*one), content, content.size() - 1));
  EXPECT_FAILS(finish(*one), errc::conflict);
  EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
  ASSERT_TRUE(append(*write(*one), content, content.size()));
  EXPECT_TRUE(finish(*one));
}

TEST(serial_upload, a_newer_request_fences_the_older_one_off) {
  world w;
  const auto content = content_of(mib);
  const auto other = content_of(mib, 2);
  const auto one = open(w, mib);
  bool told = false;
  const auto older = write(*one, [&] { told = true; });
  ASSERT_TRUE(append(*older, content, 1000));
  EXPECT_FALSE(told);
  const auto newer = write(*one);
  EXPECT_TRUE(told);
  EXPECT_EQ(newer->offset(), 1000U);
  EXPECT_TRUE(older->is_fenced());
  EXPECT_FAILS(older->append(std::span(other).subspan(1000, 500)), errc::conflict);
  EXPECT_FAILS(older->declare_size(mib), errc::conflict);
  EXPECT_FAILS(older->keep(), errc::conflict);
  EXPECT_FAILS(checkpoint(*older), errc::conflict);
  ASSERT_TRUE(append(*newer, content, mib));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
}

// What the older one has in the kernel's hands when the newer one comes is waited for.
TEST(serial_upload, no_byte_of_the_older_one_lands_behind_the_fence) {
  slow_files files;
  world w(world::quiet(), files);
  const auto content = content_of(mib);
  const auto one = open(w, mib);
  const auto older = write(*one);
  files.hold = true;
  result<void> outcome;
  std::thread writing([&] { outcome = older->append(std::span(content).first(1000)); });
  files.writes.get_future().wait();
  std::promise<std::shared_ptr<serial_writer>> taken;
  std::thread taking([&] { taken.set_value(write(*one)); });
  auto newer = taken.get_future();
  EXPECT_EQ(newer.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
  files.go_on.set_value();
  writing.join();
  taking.join();
  // Either it was taken whole before the fence, or it does not count at all.
  const auto writer = newer.get();
  EXPECT_EQ(writer->offset(), outcome ? 1000U : 0U);
  ASSERT_TRUE(append(*writer, content, mib));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
  w.close();
}

TEST(serial_upload, thrown_away_fences_its_writer_off) {
  world w;
  const auto content = content_of(mib);
  const auto one = open(w, mib);
  bool told = false;
  const auto writer = write(*one, [&] { told = true; });
  ASSERT_TRUE(append(*writer, content, 10));
  ASSERT_TRUE(w.uploads().remove(one->id()));
  EXPECT_TRUE(told);
  EXPECT_FALSE(writer->append(std::span(content).subspan(10, 10)));
  EXPECT_FALSE(checkpoint(*writer));
  EXPECT_FAILS(one->write_serially({}, unasked()), errc::not_found);
  EXPECT_EQ(w.partial_count(), 0U);
}

// Its own request ends the upload: nobody must close the connection that waits for the answer.
TEST(serial_upload, that_is_finished_does_not_tell_its_writer) {
  world w;
  const auto content = content_of(100);
  const auto one = open(w, 100);
  bool told = false;
  const auto writer = write(*one, [&] { told = true; });
  ASSERT_TRUE(append(*writer, content, 100));
  ASSERT_TRUE(finish(*one));
  EXPECT_FALSE(told);
  EXPECT_FALSE(writer->append(std::span(content).first(1)));
}

TEST(serial_upload, leaves_nothing_of_what_was_held_back) {
  world w;
  const auto content = content_of(3 * mib);
  const auto wrong = content_of(3 * mib, 9);
  const auto one = open(w, 3 * mib);
  {
    const auto writer = write(*one);
    ASSERT_TRUE(append(*writer, content, 700'000));
    writer->hold_back();
    ASSERT_TRUE(append(*writer, wrong, 2 * mib + 5));
    EXPECT_EQ(value(checkpoint(*writer)), 700'000U);
  }
  const auto writer = write(*one);
  EXPECT_EQ(writer->offset(), 700'000U);
  writer->hold_back();
  ASSERT_TRUE(append(*writer, content, 3 * mib, 600'000));
  EXPECT_EQ(one->durable_bytes(), 700'000U);
  ASSERT_TRUE(writer->keep());
  EXPECT_EQ(value(checkpoint(*writer)), 3 * mib);
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(w.read("a"), content);
}

TEST(serial_upload, takes_no_blocks_and_is_not_found_by_name) {
  world w;
  const auto content = content_of(mib);
  auto wanted = serial_request("a", mib);
  const auto one = value(w.uploads().open(wanted)).upload;
  EXPECT_FAILS(send(*one->attach({}, unasked()), content, 0), errc::conflict);
  EXPECT_FAILS(one->attach({}, unasked())->begin(0, mib, std::nullopt), errc::conflict);
  wanted.form = catalog::upload_form::blocks;
  wanted.resume = wanted.kept = true;
  const auto other = value(w.uploads().open(wanted));
  EXPECT_FALSE(other.resumed);
  EXPECT_FALSE(other.is_other);
  EXPECT_FAILS(other.upload->write_serially({}, unasked()), errc::invalid_argument);
}

TEST(serial_upload, of_two_for_one_name_one_wins_and_the_other_keeps_its_bytes) {
  world w;
  const auto content = content_of(mib + 1);
  const auto first = open(w, content.size());
  const auto second = open(w, content.size());
  for (const auto& one : {first, second}) {
    ASSERT_TRUE(append(*write(*one), content, content.size()));
  }
  ASSERT_TRUE(finish(*first));
  EXPECT_FAILS(finish(*second), errc::exists);
  EXPECT_EQ(write(*second)->offset(), content.size());
  EXPECT_TRUE(second->is_whole());
  ASSERT_TRUE(w.tree().remove("a", false));
  EXPECT_TRUE(finish(*second));
  EXPECT_FAILS(w.uploads().open(serial_request("a", 1)), errc::exists);
}

TEST(serial_upload, is_remembered_when_it_is_done) {
  world w;
  auto wanted = serial_request("a", 10);
  wanted.note = "filename YQ==";
  const auto content = content_of(10);
  const auto one = value(w.uploads().open(wanted)).upload;
  ASSERT_TRUE(append(*write(*one), content, 10));
  ASSERT_TRUE(finish(*one));
  EXPECT_EQ(value(w.uploads().facts(one->id())).note, wanted.note);
  EXPECT_TRUE(value(w.uploads().join(one->id())).done);
  w.reopen();
  const auto again = value(w.uploads().join(one->id()));
  ASSERT_TRUE(again.done);
  EXPECT_EQ(again.done->size_bytes, 10U);
  ASSERT_TRUE(w.uploads().remove(one->id()));
  EXPECT_FAILS(w.uploads().join(one->id()), errc::not_found);
  EXPECT_EQ(w.read("a"), content);
}

TEST(serial_upload, of_unknown_size_stays_within_what_uploads_may_take) {
  auto opts = world::quiet();
  opts.partials_max_bytes = 2 * mib;
  world w(opts);
  const auto content = content_of(2 * mib + 1);
  const auto one = open(w, std::nullopt);
  const auto writer = write(*one);
  ASSERT_TRUE(append(*writer, content, 2 * mib));
  EXPECT_FAILS(writer->append(std::span(content).subspan(2 * mib, 1)), errc::no_space);
  const auto again = write(*one);
  EXPECT_EQ(again->offset(), 2 * mib);
  EXPECT_FAILS(again->declare_size(2 * mib + 1), errc::no_space);
  ASSERT_TRUE(again->declare_size(2 * mib));
  ASSERT_TRUE(finish(*one));
}

TEST(serial_upload, makes_checkpoints_by_itself) {
  auto opts = world::quiet();
  opts.checkpoint_bytes = 2 * mib;
  world w(opts);
  const auto content = content_of(8 * mib);
  const auto one = open(w, 8 * mib);
  const auto writer = write(*one);
  ASSERT_TRUE(append(*writer, content, 4 * mib));
  // Without one asked for. What is told durable was committed before.
  while (one->durable_bytes() < mib) std::this_thread::yield();
  EXPECT_GT(blocks_in_catalog(w, *one), 0U);
}

}  // namespace
}  // namespace sluice::transfer
