#include "store/partial.h"

#include <sys/stat.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <thread>

#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

class partials : public store_test {
 protected:
  fs::path file_of(const partial_id& name) {
    return root / ".sluice/partials" / (name.text() + ".part");
  }
};

TEST_F(partials, id_text_goes_there_and_back) {
  EXPECT_EQ(id(0xAB).text(), "000000000000000000000000000000ab");
  EXPECT_EQ(partial_id::parse(id(7).text()), id(7));
  EXPECT_EQ(partial_id::parse("../../../../../../../etc/passwd_"), std::nullopt);
}

TEST_F(partials, are_private_allocated_and_of_their_size) {
  folder_store store = opened();
  const auto made = store.create_partial(id(1), 3 << 20);
  ASSERT_TRUE(made) << made.error().message();
  struct stat seen{};
  ASSERT_EQ(::stat(file_of(id(1)).c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 07777, 0600u);
  EXPECT_EQ(seen.st_size, 3 << 20) << "so that no write makes it longer";
  EXPECT_GE(seen.st_blocks * 512, 3 << 20);
  EXPECT_EQ(code_of(store.create_partial(id(1), 0)), errc::exists);
}

TEST_F(partials, keep_what_is_written_wherever_it_is) {
  folder_store store = opened();
  auto made = *store.create_partial(id(1), 0);
  ASSERT_TRUE(made->write(5, bytes("world")));
  ASSERT_TRUE(made->write(0, bytes("hello")));
  ASSERT_TRUE(made->sync());
  made.reset();
  made = *store.open_partial(id(1));
  std::array<std::byte, 32> out;
  EXPECT_EQ(made->read(0, out), 10u);
  EXPECT_EQ(std::memcmp(out.data(), "helloworld", 10), 0);
  EXPECT_EQ(made->read(8, out), 2u);
  EXPECT_EQ(made->read(10, out), 0u);
  EXPECT_EQ(made->read(~std::uint64_t{0}, out), 0u);
}

TEST_F(partials, short_counts_and_interruptions_are_looped) {
  faulty_files files;
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 100);
  files.most_bytes = 7;
  files.interrupt(true);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>('a' + i % 26);
  ASSERT_TRUE(made->write(3, bytes(text)));
  std::string out(text.size(), ' ');
  EXPECT_EQ(made->read(3, std::as_writable_bytes(std::span(out))), text.size());
  EXPECT_EQ(out, text);
  EXPECT_TRUE(made->sync());
  EXPECT_TRUE(made->finish({.size_bytes = 1003}));
  EXPECT_GT(files.count(file_call::pwrite), 2 * 1000 / 7 - 2);
}

TEST_F(partials, a_full_volume_answers_at_once_and_leaves_nothing) {
  faulty_files files;
  folder_store store = opened(files);
  for (const int answer : {-ENOSPC, -EDQUOT}) {
    files.fail_next(file_call::fallocate, answer);
    EXPECT_EQ(code_of(store.create_partial(id(1), 100)), errc::no_space);
    EXPECT_FALSE(fs::exists(file_of(id(1))));
  }
  EXPECT_TRUE(store.create_partial(id(1), 100));
}

TEST_F(partials, a_volume_without_fallocate_goes_on) {
  faulty_files files;
  folder_store store = opened(files);
  files.fail_next(file_call::fallocate, -EOPNOTSUPP);
  EXPECT_TRUE(store.create_partial(id(1), 100));
}

TEST_F(partials, the_reserve_is_left_alone) {
  const auto room = opened().space();
  ASSERT_TRUE(room);
  EXPECT_EQ(room->usable_bytes, room->free_bytes);
  constexpr std::uint64_t left = 64 << 20;
  folder_store store = opened(linux_files(), {.reserve_bytes = room->free_bytes - left});
  EXPECT_LT(store.space()->usable_bytes, 2 * left);
  EXPECT_EQ(code_of(store.create_partial(id(1), 4 * left)), errc::no_space);
  EXPECT_FALSE(fs::exists(file_of(id(1))));
}

TEST_F(partials, a_full_volume_in_the_middle_keeps_what_was_written) {
  faulty_files files;
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 0);
  ASSERT_TRUE(made->write(0, bytes("kept")));
  files.fail_next(file_call::pwrite, -ENOSPC);
  EXPECT_EQ(code_of(made->write(4, bytes("more"))), errc::no_space);
  EXPECT_TRUE(made->sync());
  EXPECT_TRUE(made->write(4, bytes("more")));
  EXPECT_EQ(text_of(file_of(id(1))), "keptmore");
}

TEST_F(partials, refuse_offsets_past_63_bits) {
  folder_store store = opened();
  const auto made = *store.create_partial(id(1), 0);
  constexpr std::uint64_t top = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(code_of(made->write(top, bytes("x"))), errc::invalid_argument);
  EXPECT_EQ(code_of(made->write(~std::uint64_t{0}, bytes("xy"))), errc::invalid_argument);
  EXPECT_EQ(code_of(store.create_partial(id(2), top + 1)), errc::invalid_argument);
  EXPECT_EQ(code_of(made->finish({.size_bytes = top + 1})), errc::invalid_argument);
}

TEST_F(partials, a_failed_sync_poisons_and_is_never_retried) {
  faulty_files files;
  folder_store store = opened(files);
  auto made = *store.create_partial(id(1), 0);
  ASSERT_TRUE(made->write(0, bytes("x")));
  files.fail_next(file_call::fdatasync, -EIO);
  EXPECT_EQ(code_of(made->sync()), errc::io);
  EXPECT_TRUE(made->is_poisoned());
  store.readmit_volume();  // what remains is the partial's own poison
  std::array<std::byte, 1> out;
  EXPECT_EQ(code_of(made->sync()), errc::io);
  EXPECT_EQ(code_of(made->write(0, bytes("y"))), errc::io);
  EXPECT_EQ(code_of(made->read(0, out)), errc::io);
  EXPECT_EQ(code_of(made->finish({.size_bytes = 1})), errc::io);
  EXPECT_EQ(code_of(store.publish(*made, at("x"))), errc::io);
  EXPECT_EQ(files.count(file_call::fdatasync), 1);
  EXPECT_EQ(files.count(file_call::fsync), 2);  // of opening the store
  made.reset();
  made = *store.open_partial(id(1));
  EXPECT_TRUE(made->sync());
}

TEST_F(partials, an_unfinished_finish_is_not_published) {
  faulty_files files;
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 0);
  EXPECT_EQ(code_of(store.publish(*made, at("x"))), errc::conflict);
  files.fail_next(file_call::ftruncate, -EIO);
  EXPECT_EQ(code_of(made->finish({})), errc::io);
  EXPECT_EQ(code_of(store.publish(*made, at("x"))), errc::conflict);
  EXPECT_TRUE(made->finish({}));
  EXPECT_TRUE(store.publish(*made, at("x")));
}

TEST_F(partials, a_failed_sync_at_the_end_poisons_too) {
  faulty_files files;
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 0);
  files.fail_next(file_call::fsync, -EIO);
  EXPECT_EQ(code_of(made->finish({})), errc::io);
  store.readmit_volume();
  EXPECT_EQ(code_of(store.publish(*made, at("x"))), errc::io);
}

TEST_F(partials, finishing_gives_length_mode_and_time) {
  folder_store store = opened();
  const mode_t mask = ::umask(022);
  ::umask(mask);
  for (const bool executable : {false, true}) {
    const auto made = *store.create_partial(id(1), 1 << 20);
    ASSERT_TRUE(made->write(0, bytes("0123456789")));
    ASSERT_TRUE(made->finish(
        {.size_bytes = 4, .mtime_ns = 1'234'567'890'123'456'789, .executable = executable}));
    EXPECT_EQ(code_of(made->write(0, bytes("x"))), errc::conflict);
    struct stat seen{};
    ASSERT_EQ(::stat(file_of(id(1)).c_str(), &seen), 0);
    EXPECT_EQ(seen.st_size, 4);
    EXPECT_EQ(seen.st_mode & 07777, (executable ? 0777u : 0666u) & ~mask);
    EXPECT_EQ(seen.st_mtim.tv_sec, 1'234'567'890);
    EXPECT_EQ(seen.st_mtim.tv_nsec, 123'456'789);
    EXPECT_LT(seen.st_blocks * 512, 1 << 20);
    ASSERT_TRUE(store.remove_partial(id(1)));
  }
}

TEST_F(partials, a_time_before_1970_is_kept) {
  folder_store store = opened();
  const auto made = *store.create_partial(id(1), 0);
  ASSERT_TRUE(made->finish({.mtime_ns = -1'500'000'000}));
  ASSERT_TRUE(store.publish(*made, at("old")));
  EXPECT_EQ(store.stat(at("old"))->mtime_ns, -1'500'000'000);
}

TEST_F(partials, are_listed_opened_and_removed_by_id) {
  folder_store store = opened();
  for (unsigned char i = 1; i <= 3; ++i) ASSERT_TRUE(store.create_partial(id(i), 0));
  put(root / ".sluice/partials/notes.txt", "not ours");
  std::set<std::string> seen;
  const auto note = [&](const partial_info& info) { return seen.insert(info.id.text()).second; };
  ASSERT_TRUE(store.list_partials(note));
  EXPECT_EQ(seen, (std::set{id(1).text(), id(2).text(), id(3).text()}));
  int visits = 0;
  ASSERT_TRUE(store.list_partials([&](const partial_info&) { return ++visits < 2; }));
  EXPECT_EQ(visits, 2);
  ASSERT_TRUE(store.remove_partial(id(2)));
  EXPECT_EQ(code_of(store.remove_partial(id(2))), errc::not_found);
  EXPECT_EQ(code_of(store.open_partial(id(2))), errc::not_found);
  EXPECT_TRUE(store.open_partial(id(3)));
}

TEST_F(partials, a_link_in_the_partials_folder_is_not_followed) {
  folder_store store = opened();
  put(outside / "victim", "safe");
  fs::create_symlink(outside / "victim", file_of(id(9)));
  EXPECT_EQ(code_of(store.create_partial(id(9), 0)), errc::exists);
  EXPECT_EQ(code_of(store.open_partial(id(9))), errc::not_found);
  EXPECT_EQ(text_of(outside / "victim"), "safe");
}

// A buffer as the pool's are: aligned to a page.
struct block_buffer {
  alignas(direct_alignment_bytes) std::array<std::byte, 2 * direct_alignment_bytes> bytes;
};

TEST_F(partials, take_aligned_and_other_pieces_side_by_side) {
  folder_store store = opened();
  const auto made = *store.create_partial(id(1), 1 << 20);
  const auto aligned = std::make_unique<block_buffer>();
  aligned->bytes.fill(std::byte{'a'});
  ASSERT_TRUE(made->write(direct_alignment_bytes, aligned->bytes));
  ASSERT_TRUE(made->write(0, bytes("other")));
  ASSERT_TRUE(made->write(3 * direct_alignment_bytes, std::span(aligned->bytes).first(17)));
  ASSERT_TRUE(made->sync());
  std::vector<std::byte> out(3 * direct_alignment_bytes + 17);
  ASSERT_EQ(made->read(0, out), out.size());
  EXPECT_EQ(std::memcmp(out.data(), "other", 5), 0);
  EXPECT_EQ(out[direct_alignment_bytes - 1], std::byte{0});
  for (std::size_t i = direct_alignment_bytes; i < out.size(); ++i)
    ASSERT_EQ(out[i], std::byte{'a'}) << i;
}

TEST_F(partials, go_through_the_page_cache_where_the_volume_refuses_to_go_past_it) {
  faulty_files files;
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 1 << 20);
  const auto aligned = std::make_unique<block_buffer>();
  aligned->bytes.fill(std::byte{'b'});
  files.fail_next(file_call::pwrite, -EINVAL);
  ASSERT_TRUE(made->write(0, aligned->bytes));
  std::vector<std::byte> out(aligned->bytes.size());
  ASSERT_EQ(made->read(0, out), out.size());
  EXPECT_EQ(std::memcmp(out.data(), aligned->bytes.data(), out.size()), 0);
}

TEST_F(partials, a_failing_close_is_told) {
  faulty_files files;
  folder_store store = opened(files);
  const auto made = *store.create_partial(id(1), 0);
  files.fail_next(file_call::close, -EIO);
  EXPECT_EQ(code_of(made->close()), errc::io);
  EXPECT_EQ(code_of(made->write(0, bytes("x"))), errc::io);
}

}  // namespace
}  // namespace sluice::store
