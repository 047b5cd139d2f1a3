#include "wire/entry.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/message.h"

namespace sluice::wire {
namespace {

constexpr std::uint64_t largest_file = base::file_bytes_max;

v1::Get get_of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> ranges) {
  v1::Get get;
  for (const auto& [offset, length] : ranges) {
    auto& range = *get.add_ranges();
    range.set_offset(offset);
    range.set_length(length);
  }
  return get;
}

v1::Get get_of_many(int count) {
  v1::Get get;
  for (int i = 0; i < count; ++i) {
    auto& range = *get.add_ranges();
    range.set_offset(static_cast<std::uint64_t>(2 * i));
    range.set_length(1);
  }
  return get;
}

TEST(entry, files_and_folders) {
  const auto file = file_entry("a/b", 7, -5, true, std::string("\0\xFF", 2));
  EXPECT_EQ(file.kind(), v1::KIND_FILE);
  EXPECT_EQ(file.path(), "a/b");
  EXPECT_EQ(file.size_bytes(), 7U);
  EXPECT_EQ(file.mtime_ns(), -5);
  EXPECT_TRUE(file.executable());
  EXPECT_EQ(file.identity().size(), 2U);
  const auto folder = folder_entry("a", 9);
  EXPECT_EQ(folder.kind(), v1::KIND_FOLDER);
  EXPECT_EQ(folder.path(), "a");
  EXPECT_EQ(folder.mtime_ns(), 9);
}

TEST(entry, its_size_is_what_it_adds) {
  for (const std::size_t path_bytes : {0U, 1U, 100U, 121U, 122U, 127U, 128U, 4'095U}) {
    v1::Entries entries;
    const auto entry = file_entry(std::string(path_bytes, 'x'), 1, 1, false, "i");
    const auto before = entries.ByteSizeLong();
    *entries.add_entries() = entry;
    EXPECT_EQ(entries.ByteSizeLong() - before, entry_bytes(entry)) << path_bytes;
  }
}

TEST(entry, frames_are_filled_to_the_last_byte_and_no_further) {
  const auto entry = folder_entry(std::string(100, 'x'), 1);
  v1::Entries entries;
  std::size_t used = 0;
  for (; fits(used, entry); used += entry_bytes(entry)) *entries.add_entries() = entry;
  EXPECT_GT(used + entry_bytes(entry), max_control_body_bytes);
  std::vector<std::byte> out;
  EXPECT_TRUE(append_message(out, kind::entries, 1, no_flags, entries));
  EXPECT_TRUE(fits(max_control_body_bytes - entry_bytes(entry), entry));
  EXPECT_FALSE(fits(max_control_body_bytes - entry_bytes(entry) + 1, entry));
  *entries.add_entries() = entry;
  EXPECT_FALSE(append_message(out, kind::entries, 1, no_flags, entries));
}

TEST(entry, the_longest_run_of_digests_fits_a_frame) {
  v1::DigestRun run;
  run.set_first_block(UINT64_MAX);
  for (std::size_t i = 0; i < max_run_digests; ++i) {
    append_digest(*run.mutable_digests(), {});
    append_digest(*run.mutable_recorded(), {});
  }
  *run.mutable_entry() = file_entry(std::string(base::path_bytes_max, 'x'), UINT64_MAX, INT64_MIN,
                                    true, std::string(256, 'i'));
  std::vector<std::byte> out;
  EXPECT_TRUE(append_message(out, kind::digest_run, 1, last, run));
}

TEST(entry, digests_come_back_as_they_went) {
  const std::array<base::digest128, 2> digests{base::digest_of({}),
                                               base::digest_of(std::as_bytes(std::span("x")))};
  std::string bytes;
  for (const auto& digest : digests) append_digest(bytes, digest);
  ASSERT_EQ(bytes.size(), 32U);
  const auto parsed = parse_digests(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(std::ranges::equal(*parsed, digests));
  EXPECT_EQ(static_cast<std::byte>(bytes.front()), digests[0].bytes[0]);
  EXPECT_TRUE(parse_digests("")->empty());
  for (const std::size_t size : {1U, 15U, 17U, 31U}) {
    EXPECT_EQ(parse_digests(bytes.substr(0, size)).error().code, errc::bad_frame) << size;
  }
}

TEST(entry, ranges_ascend_and_do_not_overlap) {
  EXPECT_TRUE(check_ranges(get_of({})));
  EXPECT_TRUE(check_ranges(get_of({{0, 1}, {1, 1}, {5, 10}})));
  EXPECT_FALSE(check_ranges(get_of({{0, 2}, {1, 1}})));
  EXPECT_FALSE(check_ranges(get_of({{5, 1}, {0, 1}})));
  EXPECT_FALSE(check_ranges(get_of({{5, 1}, {5, 1}})));
  EXPECT_FALSE(check_ranges(get_of({{5, 0}})));
  EXPECT_EQ(check_ranges(get_of({{5, 0}})).error().code, errc::invalid_argument);
}

TEST(entry, ranges_lie_in_the_largest_file) {
  EXPECT_TRUE(check_ranges(get_of({{0, largest_file}})));
  EXPECT_TRUE(check_ranges(get_of({{largest_file - 1, 1}})));
  EXPECT_FALSE(check_ranges(get_of({{largest_file, 1}})));
  EXPECT_FALSE(check_ranges(get_of({{1, largest_file}})));
  EXPECT_FALSE(check_ranges(get_of({{UINT64_MAX, 2}})));
  EXPECT_FALSE(check_ranges(get_of({{2, UINT64_MAX}})));
}

TEST(entry, ranges_are_256_at_most) {
  EXPECT_TRUE(check_ranges(get_of_many(256)));
  EXPECT_FALSE(check_ranges(get_of_many(257)));
}

}  // namespace
}  // namespace sluice::wire
