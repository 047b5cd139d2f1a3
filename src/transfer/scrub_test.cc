#include "transfer/scrub.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer::test {
namespace {

scrub::allowed seen(const std::string& path) {
  return base::permit_unasked<base::right::take>(path);
}

struct outcome {
  scrub_counts counts;
  std::set<std::pair<std::string, std::uint64_t>> blocks;
};

outcome run(world& w, const std::string& path = "", bool record = false,
            std::uint64_t step = 16 * mib) {
  auto work = value(scrub::begin(w.site(), seen(path), record));
  outcome told;
  for (bool more = true; more;) {
    more = value(work->next(step));
    for (const auto& one : work->take_damages()) {
      told.blocks.emplace(one.path, one.block.value_or(~0ULL));
    }
  }
  told.counts = work->counts();
  return told;
}

void upload_file(world& w, const std::string& path, const bytes& content) {
  auto wanted = request_for(path, content.size());
  wanted.make_parents = true;
  auto opened = value(w.uploads().open(wanted));
  send_all(*opened.upload->attach({}, unasked()), content);
  value(finish(*opened.upload));
}

// As a disk loses it: no time of the file tells.
void flip(const world& w, const std::string& name, std::uint64_t offset, unsigned bit) {
  const auto path = w.root() / name;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct ::stat before{};
  ASSERT_EQ(::fstat(fd, &before), 0);
  unsigned char byte = 0;
  ASSERT_EQ(::pread(fd, &byte, 1, static_cast<off_t>(offset)), 1);
  byte ^= static_cast<unsigned char>(1U << bit);
  ASSERT_EQ(::pwrite(fd, &byte, 1, static_cast<off_t>(offset)), 1);
  const struct timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(fd, times), 0);
  ::close(fd);
}

TEST(scrub, of_what_was_stored_finds_nothing) {
  world w;
  for (const std::uint64_t size : {std::uint64_t{1}, mib - 1, mib, 9 * mib + 5}) {
    upload_file(w, "day/" + std::to_string(size), content_of(size, size));
  }
  for (const std::uint64_t step : {std::uint64_t{1}, 3 * mib, 64 * mib}) {
    const auto told = run(w, "", false, step);
    EXPECT_TRUE(told.blocks.empty());
    EXPECT_EQ(told.counts.files, 4U);
    EXPECT_EQ(told.counts.bytes, 11 * mib + 5);
    EXPECT_EQ(told.counts.files_total, 4U);
    EXPECT_EQ(told.counts.bytes_total, 11 * mib + 5);
    EXPECT_EQ(told.counts.files_passed, 4U);
  }
}

TEST(scrub, finds_each_flipped_bit_and_no_other_block) {
  world w;
  std::random_device device;
  const auto seed = device();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::set<std::pair<std::string, std::uint64_t>> flipped;
  for (int i = 0; i < 4; ++i) {
    const auto size = 6 * mib + random() % mib + 1;
    const auto name = "large" + std::to_string(i);
    upload_file(w, name, content_of(size, static_cast<std::uint64_t>(i)));
    for (std::uint64_t block = 0; block < 7; ++block) {
      if (random() % 2 == 0) continue;
      const auto bytes = std::min(mib, size - block * mib);
      flip(w, name, block * mib + random() % bytes, static_cast<unsigned>(random() % 8));
      flipped.emplace(name, block);
    }
  }
  EXPECT_EQ(run(w).blocks, flipped);
}

TEST(scrub, of_one_file) {
  world w;
  upload_file(w, "day/a", content_of(2 * mib));
  upload_file(w, "day/b", content_of(2 * mib));
  flip(w, "day/a", mib, 0);
  flip(w, "day/b", mib, 0);
  const auto told = run(w, "day/a");
  EXPECT_EQ(told.counts.files_total, 1U);
  EXPECT_EQ(told.blocks, (std::set<std::pair<std::string, std::uint64_t>>{{"day/a", 1}}));
  EXPECT_FAILS(scrub::begin(w.site(), seen("day/c"), false), errc::not_found);
}

TEST(scrub, counts_what_has_no_record_and_records_it_when_asked) {
  world w;
  w.write("by hand", content_of(3 * mib + 1));
  w.write("empty", {});
  const struct timespec old[2] = {{.tv_sec = 1'000'000, .tv_nsec = 0},
                                  {.tv_sec = 1'000'000, .tv_nsec = 0}};
  for (const auto* name : {"by hand", "empty"}) {
    ASSERT_EQ(::utimensat(AT_FDCWD, (w.root() / name).c_str(), old, 0), 0);
  }
  auto told = run(w);
  EXPECT_EQ(told.counts.no_record, 2U);
  EXPECT_EQ(told.counts.bytes, 0U);
  EXPECT_EQ(told.counts.bytes_passed, 3 * mib + 1);
  told = run(w, "", true);
  EXPECT_EQ(told.counts.recorded, 2U);
  EXPECT_EQ(told.counts.no_record, 0U);
  flip(w, "by hand", 3 * mib, 7);
  told = run(w, "", true);  // what has a record gets no other one
  EXPECT_EQ(told.counts.files, 2U);
  EXPECT_EQ(told.blocks, (std::set<std::pair<std::string, std::uint64_t>>{{"by hand", 3}}));
}

TEST(scrub, judges_nothing_that_is_written_to_meanwhile) {
  world w;
  upload_file(w, "a", content_of(8 * mib));
  auto work = value(scrub::begin(w.site(), seen(""), false));
  while (work->counts().bytes < 2 * mib) ASSERT_TRUE(value(work->next(mib)));
  w.write("a", content_of(8 * mib, 2));
  while (value(work->next(mib))) {
  }
  EXPECT_EQ(work->counts().changed, 1U);
  EXPECT_TRUE(work->take_damages().empty());
  EXPECT_EQ(run(w).counts.no_record, 1U);
}

// A bad sector is reported with its block, and the rest is read.
class bad_sector : public store::forwarding_files {
 public:
  bad_sector() : forwarding_files(store::linux_files()) {}
  ssize_t pread(int fd, std::span<std::byte> out, std::int64_t offset) override {
    const auto bad = static_cast<std::int64_t>(5 * mib + 4096);
    if (armed && offset <= bad && bad < offset + static_cast<std::int64_t>(out.size())) return -EIO;
    return forwarding_files::pread(fd, out, offset);
  }
  bool armed = false;
};

TEST(scrub, reads_on_behind_a_block_that_cannot_be_read) {
  bad_sector files;
  world w(world::quiet(), files);
  upload_file(w, "a", content_of(9 * mib));
  files.armed = true;
  flip(w, "a", 8 * mib, 1);
  const auto told = run(w);
  EXPECT_EQ(told.blocks, (std::set<std::pair<std::string, std::uint64_t>>{{"a", 5}, {"a", 8}}));
  EXPECT_EQ(told.counts.damaged_files, 1U);
}

}  // namespace
}  // namespace sluice::transfer::test
