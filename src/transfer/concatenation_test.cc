#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer {
namespace {

using namespace test;

std::string add_part(world& w, std::span<const std::byte> content, std::size_t sent) {
  const auto one = value(w.uploads().open(part_request(content.size()))).upload;
  const auto writer = value(one->write_serially({}, unasked()));
  value(writer->append(content.first(sent)));
  value(checkpoint(*writer));
  return one->id();
}

void send_rest(world& w, const std::string& id, std::span<const std::byte> content) {
  const auto writer = value(value(w.uploads().join(id)).upload->write_serially({}, unasked()));
  value(writer->append(content.subspan(writer->offset())));
  value(checkpoint(*writer));
}

upload_request joined_request(const std::string& path, std::vector<std::string> parts) {
  auto wanted = serial_request(path, std::nullopt);
  wanted.form = catalog::upload_form::joined;
  wanted.parts = std::move(parts);
  return wanted;
}

struct cut_content {
  bytes all;
  std::vector<std::span<const std::byte>> pieces;
};

std::unique_ptr<cut_content> cut(const std::vector<std::size_t>& sizes) {
  auto made = std::make_unique<cut_content>();
  made->all = content_of(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
  std::size_t at = 0;
  for (const auto size : sizes) {
    made->pieces.push_back(std::span<const std::byte>(made->all).subspan(at, size));
    at += size;
  }
  return made;
}

TEST(concatenation, of_parts_of_any_size_is_the_file) {
  const std::vector<std::vector<std::size_t>> cases{
      {100, 200}, {mib, mib}, {2 * mib + 5, 1, 0, mib - 6, 3 * mib}, {mib - 1, mib + 1, 7}};
  for (const auto& sizes : cases) {
    world w;
    const auto content = cut(sizes);
    std::vector<std::string> ids;
    for (const auto& piece : content->pieces) ids.push_back(add_part(w, piece, piece.size()));
    const auto whole = value(w.uploads().open(joined_request("a", ids)));
    const auto done = value(w.uploads().join_parts(whole.upload->id()));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->size_bytes, content->all.size());
    EXPECT_EQ(w.read("a"), content->all);
    EXPECT_EQ(w.partial_count(), 0U) << "the parts are forgotten";
    for (const auto& id : ids) EXPECT_FAILS(w.uploads().join(id), errc::not_found);
    const auto blocks =
        value(value(w.downloads().open("a"))->digests(0, 10, digest_source::content));
    for (const auto& each : blocks) EXPECT_EQ(each.recorded, each.digest);
  }
}

TEST(concatenation, of_parts_in_another_order_is_another_file) {
  world w;
  const auto content = cut({5000, 6000});
  const auto first = add_part(w, content->pieces[0], 5000);
  const auto second = add_part(w, content->pieces[1], 6000);
  const auto whole = value(w.uploads().open(joined_request("a", {second, first}))).upload;
  ASSERT_TRUE(value(w.uploads().join_parts(whole->id())));
  bytes expected(content->pieces[1].begin(), content->pieces[1].end());
  expected.insert(expected.end(), content->pieces[0].begin(), content->pieces[0].end());
  EXPECT_EQ(w.read("a"), expected);
}

TEST(concatenation, waits_for_parts_that_are_not_whole) {
  world w;
  const auto content = cut({mib + 3, 2000});
  const std::vector<std::string> ids{add_part(w, content->pieces[0], 100),
                                     add_part(w, content->pieces[1], 0)};
  const auto whole = value(w.uploads().open(joined_request("a", ids))).upload->id();
  EXPECT_FALSE(value(w.uploads().join_parts(whole)));
  send_rest(w, ids[1], content->pieces[1]);
  EXPECT_FALSE(value(w.uploads().join_parts(whole)));
  EXPECT_EQ(value(w.uploads().facts(ids[0])).part_of, whole);
  w.reopen();
  send_rest(w, ids[0], content->pieces[0]);
  EXPECT_TRUE(value(w.uploads().join_parts(whole)));
  EXPECT_EQ(w.read("a"), content->all);
  EXPECT_TRUE(value(w.uploads().join_parts(whole))) << "it is done";
}

TEST(concatenation, refuses_what_is_no_part) {
  world w;
  const auto content = content_of(10);
  const auto part = add_part(w, content, 10);
  const auto named = value(w.uploads().open(serial_request("b", 10))).upload->id();
  const std::string unknown(32, '0');
  EXPECT_FAILS(w.uploads().open(joined_request("a", {part, part})), errc::invalid_argument);
  EXPECT_FAILS(w.uploads().open(joined_request("a", {part, named})), errc::invalid_argument);
  EXPECT_FAILS(w.uploads().open(joined_request("a", {part, unknown})), errc::not_found);
  EXPECT_EQ(value(w.uploads().facts(part)).part_of, "") << "nothing of a refused one stays";
  const auto whole = value(w.uploads().open(joined_request("a", {part}))).upload;
  EXPECT_FAILS(w.uploads().open(joined_request("c", {part})), errc::conflict);
  EXPECT_EQ(w.partial_count(), 3U);
  // Thrown away, it gives its parts back.
  ASSERT_TRUE(whole->abort());
  const auto again = value(w.uploads().open(joined_request("c", {part}))).upload;
  EXPECT_TRUE(value(w.uploads().join_parts(again->id())));
}

TEST(concatenation, of_more_parts_than_the_limit_is_refused) {
  auto opts = world::quiet();
  opts.parts_max = 3;
  world w(opts);
  const auto content = content_of(5);
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(add_part(w, content, 5));
  EXPECT_FAILS(w.uploads().open(joined_request("a", ids)), errc::invalid_argument);
  ids.pop_back();
  const auto whole = value(w.uploads().open(joined_request("a", ids))).upload;
  EXPECT_TRUE(value(w.uploads().join_parts(whole->id())));
}

TEST(concatenation, without_one_of_its_parts_never_ends) {
  world w;
  const auto content = cut({100, 200, 300});
  for (const std::size_t gone : {0U, 1U, 2U}) {
    std::vector<std::string> ids;
    for (const auto& piece : content->pieces) ids.push_back(add_part(w, piece, piece.size()));
    const auto whole = value(w.uploads().open(joined_request("a", ids))).upload;
    ASSERT_TRUE(w.uploads().remove(ids[gone]));
    EXPECT_FAILS(w.uploads().join_parts(whole->id()), errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
  }
}

TEST(concatenation, of_a_part_has_no_name_and_is_not_finished) {
  world w;
  const auto content = content_of(10);
  const auto id = add_part(w, content, 10);
  EXPECT_FAILS(finish(*value(w.uploads().join(id)).upload), errc::invalid_argument);
  EXPECT_FAILS(w.uploads().join_parts(id), errc::invalid_argument);
  auto named = part_request(10);
  named.path = request_for("a", 10).path;
  EXPECT_FAILS(w.uploads().open(named), errc::invalid_argument);
  EXPECT_FAILS(w.uploads().open(serial_request("", 10)), errc::invalid_argument);
}

TEST(concatenation, whose_name_is_taken_keeps_everything) {
  world w;
  const auto content = cut({1000, mib});
  std::vector<std::string> ids;
  for (const auto& piece : content->pieces) ids.push_back(add_part(w, piece, piece.size()));
  const auto whole = value(w.uploads().open(joined_request("a", ids))).upload->id();
  w.write("a", std::span<const std::byte>(content->all).first(3));
  EXPECT_FAILS(w.uploads().join_parts(whole), errc::exists);
  w.reopen();
  std::filesystem::remove(w.root() / "a");
  EXPECT_TRUE(value(w.uploads().join_parts(whole)));
  EXPECT_EQ(w.read("a"), content->all);
}

TEST(concatenation, of_a_damaged_part_fails) {
  world w;
  const auto content = cut({2 * mib, 1000});
  std::vector<std::string> ids;
  for (const auto& piece : content->pieces) ids.push_back(add_part(w, piece, piece.size()));
  const auto whole = value(w.uploads().open(joined_request("a", ids))).upload->id();
  {
    std::fstream file(w.root() / ".sluice" / "partials" / (ids[0] + ".part"),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(mib + 5);
    file.put(static_cast<char>(~static_cast<int>(content->all[mib + 5])));
  }
  EXPECT_FAILS(w.uploads().join_parts(whole), errc::io);
  EXPECT_FALSE(std::filesystem::exists(w.root() / "a"));
}

// Broken off in the middle of a part's block, it goes on there.
TEST(concatenation, goes_on_where_it_was_broken_off) {
  class full_disk : public store::forwarding_files {
   public:
    full_disk() : forwarding_files(store::linux_files()) {}
    ssize_t pwrite(int fd, std::span<const std::byte> piece, std::int64_t offset) override {
      if (is_full && offset >= static_cast<std::int64_t>(2 * mib)) return -ENOSPC;
      return forwarding_files::pwrite(fd, piece, offset);
    }
    bool is_full = false;
  } files;
  world w(world::quiet(), files);
  const auto content = cut({700'000, 2 * mib + 9, 50'000});
  std::vector<std::string> ids;
  for (const auto& piece : content->pieces) ids.push_back(add_part(w, piece, piece.size()));
  const auto whole = value(w.uploads().open(joined_request("a", ids))).upload->id();
  files.is_full = true;
  EXPECT_FAILS(w.uploads().join_parts(whole), errc::no_space);
  files.is_full = false;
  w.reopen();
  EXPECT_EQ(value(w.uploads().join(whole)).upload->durable_bytes(), 2 * mib);
  EXPECT_TRUE(value(w.uploads().join_parts(whole)));
  EXPECT_EQ(w.read("a"), content->all);
  w.close();
}

TEST(concatenation, forgets_its_parts_also_after_a_crash) {
  world w;
  const auto content = content_of(10);
  const auto kept = add_part(w, content, 10);
  const auto id = add_part(w, content, 10);
  const auto whole = value(w.uploads().open(joined_request("a", {id}))).upload->id();
  value(w.catalog().write([&](catalog::session& s) -> result<void> {
    (void)catalog::set_state(s, whole, catalog::upload_state::done, 10, {});
    return {};
  }));
  w.reopen();
  EXPECT_FAILS(w.uploads().join(id), errc::not_found);
  EXPECT_TRUE(w.uploads().join(kept));
}

}  // namespace
}  // namespace sluice::transfer
