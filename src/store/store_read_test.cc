#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <vector>

#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

using reading = store_test;

TEST_F(reading, tells_files_and_folders) {
  put(root / "a/film.mp4", "12345");
  fs::permissions(root / "a/film.mp4", fs::perms::owner_all);
  const folder_store store = opened();
  const auto file = store.stat(at("a/film.mp4"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->name, "film.mp4");
  EXPECT_EQ(file->kind, entry_kind::file);
  EXPECT_EQ(file->size_bytes, 5u);
  EXPECT_TRUE(file->executable);
  EXPECT_NE(file->id.ino, 0u);
  EXPECT_NE(file->id.btime_ns, 0);
  const auto folder = store.stat(at("a"));
  EXPECT_EQ(folder->kind, entry_kind::folder);
  EXPECT_EQ(folder->size_bytes, 0u);
  EXPECT_FALSE(folder->executable);
  EXPECT_EQ(store.stat(rel_path())->name, "");
}

TEST_F(reading, refuses_links_at_the_end_and_in_the_middle) {
  put(outside / "secret", "s");
  put(root / "real/file", "f");
  fs::create_symlink(outside / "secret", root / "link");
  fs::create_directory_symlink(outside, root / "out");
  fs::create_directory_symlink("real", root / "inner");  // even one that stays inside
  const folder_store store = opened();
  for (const char* path : {"link", "out", "out/secret", "inner/file", "inner"}) {
    EXPECT_EQ(code_of(store.stat(at(path))), errc::not_found) << path;
    EXPECT_EQ(code_of(store.open_content(at(path))), errc::not_found) << path;
    EXPECT_FALSE(store.list(at(path))) << path;
  }
}

TEST_F(reading, writes_cross_no_links_either) {
  fs::create_directory_symlink(outside, root / "out");
  put(root / "file", "f");
  folder_store store = opened();
  EXPECT_EQ(code_of(store.put_small(at("out/x"), bytes("x"), 0, false)), errc::not_found);
  EXPECT_FALSE(store.put_small(at("out/a/x"), bytes("x"), 0, false, {.make_parents = true}));
  EXPECT_EQ(code_of(store.mkdir(at("out/x"), false, false)), errc::not_found);
  EXPECT_FALSE(store.mkdir(at("out/x/y"), true, true));
  EXPECT_EQ(code_of(store.rename(at("file"), at("out/file"))), errc::not_found);
  EXPECT_EQ(code_of(store.set_mtime(at("out"), 0)), errc::not_found);
  EXPECT_EQ(code_of(store.remove(at("out"), true)), errc::not_found);
  EXPECT_EQ(code_of(store.sync_folder(at("out"))), errc::not_found);
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(reading, pipes_are_not_there_and_do_not_block) {
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  const folder_store store = opened();
  EXPECT_EQ(code_of(store.open_content(at("pipe"))), errc::not_found);
  EXPECT_EQ(code_of(store.stat(at("pipe"))), errc::not_found);
}

TEST_F(reading, folders_have_no_content_and_files_no_entries) {
  put(root / "a/file", "x");
  const folder_store store = opened();
  EXPECT_EQ(code_of(store.open_content(at("a"))), errc::not_a_file);
  EXPECT_EQ(code_of(store.list(at("a/file"))), errc::not_a_file);
  EXPECT_EQ(code_of(store.stat(at("a/file/b"))), errc::not_a_file);
}

TEST_F(reading, content_is_read_at_offsets) {
  put(root / "f", "0123456789");
  faulty_files files;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  files.most_bytes = 3;
  files.interrupt(true);
  std::array<std::byte, 8> out;
  EXPECT_EQ(content->pread(1, out), 8u);
  EXPECT_EQ(std::memcmp(out.data(), "12345678", 8), 0);
  EXPECT_EQ(content->pread(7, out), 3u);
  EXPECT_EQ(content->pread(10, out), 0u);
  EXPECT_EQ(content->pread(~std::uint64_t{0}, out), 0u);
  EXPECT_EQ(content->info().size_bytes, 10u);
  EXPECT_GE(content->fd(), 0);
}

TEST_F(reading, a_failing_read_is_told) {
  put(root / "f", "0123456789");
  faulty_files files;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  files.fail_next(file_call::pread, -EIO);
  std::array<std::byte, 8> out;
  const auto read = content->pread(0, out);
  EXPECT_EQ(code_of(read), errc::io);
  EXPECT_NE(read.error().context.find("read f"), std::string::npos);
}

TEST_F(reading, notices_content_that_is_written_in_place) {
  put(root / "f", "0123456789");
  const folder_store store = opened();
  const auto content = *store.open_content(at("f"));
  EXPECT_TRUE(content->check_unchanged());
  std::ofstream(root / "f", std::ios::app) << "more";
  EXPECT_EQ(code_of(content->check_unchanged()), errc::changed);
}

TEST_F(reading, knows_what_is_cached) {
  put(root / "f", std::string(1 << 20, 'x'));
  faulty_files files;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  EXPECT_TRUE(content->is_cached(0, 1 << 20));
  EXPECT_EQ(files.count(file_call::preadv2), 9);  // each 128 KiB, and the last byte
  EXPECT_TRUE(content->is_cached(0, ~std::uint64_t{0}));
  EXPECT_TRUE(content->is_cached(1 << 20, 5));
  for (const int answer : {-EAGAIN, -EOPNOTSUPP}) {
    files.fail_next(file_call::preadv2, answer);
    EXPECT_FALSE(content->is_cached(0, 1 << 20));
  }
}

bool is_in_memory(int fd, std::size_t size_bytes) {
  void* const seen = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT_NE(seen, MAP_FAILED);
  std::vector<unsigned char> pages(size_bytes / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(::mincore(seen, size_bytes, pages.data()), 0);
  ::munmap(seen, size_bytes);
  return std::ranges::any_of(pages, [](unsigned char page) { return (page & 1) != 0; });
}

TEST_F(reading, knows_what_is_not_cached) {
  constexpr std::size_t size_bytes = 4 << 20;
  put(root / "f", std::string(size_bytes, 'x'));
  const folder_store store = opened();
  const auto content = *store.open_content(at("f"));
  ASSERT_EQ(::fsync(content->fd()), 0);
  // The kernel leaves what it holds for something else right now, such as moving it.
  for (int tries = 0; tries < 10'000 && is_in_memory(content->fd(), size_bytes); ++tries) {
    ASSERT_EQ(::posix_fadvise(content->fd(), 0, 0, POSIX_FADV_DONTNEED), 0);
  }
  ASSERT_FALSE(is_in_memory(content->fd(), size_bytes));
  EXPECT_FALSE(content->is_cached(0, size_bytes));
}

// Answers in the kernel's place what volume it is and what of a file is in memory.
class told_files : public faulty_files {
 public:
  long volume_type = EXT4_SUPER_MAGIC;
  std::uint64_t cached_pages = 0;

  int fstatfs(int fd, struct statfs* out) override {
    const int answer = faulty_files::fstatfs(fd, out);
    out->f_type = volume_type;
    return answer;
  }
  int cachestat(int, const page_range&, page_cache_state* out) override {
    *out = {.cached = cached_pages};
    return before(file_call::cachestat);
  }
};

TEST_F(reading, small_files_in_memory_are_not_touched_to_know_it) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  put(root / "f", std::string(3 * page + 1, 'x'));
  told_files files;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  files.cached_pages = 4;
  EXPECT_TRUE(content->is_cached(0, 3 * page + 1));
  EXPECT_EQ(files.count(file_call::preadv2), 0);
  files.cached_pages = 3;
  EXPECT_FALSE(content->is_cached(0, 3 * page + 1));
  EXPECT_TRUE(content->is_cached(1, 3 * page - 1)) << "pages that it touches count";
  EXPECT_FALSE(content->is_cached(1, 3 * page));
  EXPECT_EQ(files.count(file_call::preadv2), 0);
}

TEST_F(reading, what_the_kernel_does_not_count_is_tried) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  put(root / "f", std::string(3 * page + 1, 'x'));
  told_files files;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  files.fail_next(file_call::cachestat, -ENOSYS);
  EXPECT_TRUE(content->is_cached(0, 3 * page + 1));
  EXPECT_EQ(files.count(file_call::preadv2), 2) << "its first byte and its last";
  files.fail_next(file_call::cachestat, -ENOSYS);
  files.fail_next(file_call::preadv2, -EAGAIN);
  EXPECT_FALSE(content->is_cached(0, 3 * page + 1));
}

// To try a page begins to read it; and of the pages between it says nothing.
TEST_F(reading, of_a_large_file_nothing_is_tried_where_pages_are_missing) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  constexpr std::size_t size_bytes = 4 << 20;
  put(root / "f", std::string(size_bytes, 'x'));
  told_files files;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  files.cached_pages = size_bytes / page - 1;
  EXPECT_FALSE(content->is_cached(0, size_bytes));
  EXPECT_EQ(files.count(file_call::preadv2), 0);
  files.cached_pages = size_bytes / page;
  EXPECT_TRUE(content->is_cached(0, size_bytes));
  EXPECT_EQ(files.count(file_call::preadv2), 33) << "it may still be read";
  files.fail_next(file_call::preadv2, -EAGAIN);
  EXPECT_FALSE(content->is_cached(0, size_bytes));
}

TEST_F(reading, pages_that_are_still_being_read_do_not_count) {
  put(root / "f", "0123456789");
  told_files files;
  files.cached_pages = 1;
  const folder_store store = opened(files);
  const auto content = *store.open_content(at("f"));
  files.before_next(file_call::pread, [&] {
    files.fail_next(file_call::preadv2, -EAGAIN);
    EXPECT_FALSE(content->is_cached(0, 10));
  });
  std::array<std::byte, 10> out;
  EXPECT_EQ(content->pread(0, out), 10u);
  EXPECT_TRUE(content->is_cached(0, 10));
}

TEST_F(reading, content_is_opened_without_waiting_where_that_can_be) {
  put(root / "a/f", "0123456789");
  fs::create_symlink(root / "a/f", root / "link");
  told_files files;
  const folder_store store = opened(files);
  const auto content = store.try_open_content(at("a/f"));
  ASSERT_TRUE(content && *content);
  EXPECT_EQ((**content)->info().name, "f");
  EXPECT_EQ((**content)->info().size_bytes, 10u);
  EXPECT_EQ(code_of(*store.try_open_content(at("a"))), errc::not_a_file);
  const auto link = store.try_open_content(at("link"));
  EXPECT_TRUE(!link || !*link);
  const auto absent = store.try_open_content(at("a/none"));
  EXPECT_TRUE(!absent || code_of(*absent) == errc::not_found);
}

TEST_F(reading, what_may_wait_is_not_opened) {
  put(root / "f", "0123456789");
  told_files files;
  const folder_store store = opened(files);
  for (const int answer : {-EAGAIN, -EXDEV, -EMFILE}) {
    files.fail_next(file_call::openat2, answer);
    EXPECT_FALSE(store.try_open_content(at("f")));
  }
  EXPECT_FALSE(store.try_open_content(at("")));
}

TEST_F(reading, a_volume_that_asks_others_is_not_asked) {
  put(root / "f", "0123456789");
  told_files files;
  files.volume_type = NFS_SUPER_MAGIC;
  const folder_store store = opened(files);
  const int before = files.count(file_call::openat2);
  EXPECT_FALSE(store.try_open_content(at("f")));
  EXPECT_EQ(files.count(file_call::openat2), before);
  EXPECT_TRUE(store.open_content(at("f")));
}

TEST_F(reading, space_is_told_with_the_reserve) {
  const folder_store store = opened(linux_files(), {.reserve_bytes = ~std::uint64_t{0}});
  const auto room = store.space();
  ASSERT_TRUE(room);
  EXPECT_GT(room->free_bytes, 0u);
  EXPECT_GE(room->total_bytes, room->free_bytes);
  EXPECT_EQ(room->usable_bytes, 0u);
}

}  // namespace
}  // namespace sluice::store
