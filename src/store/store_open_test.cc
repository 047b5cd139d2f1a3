#include <sys/stat.h>

#include <filesystem>

#include "store/test_store.h"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

using opening = store_test;

TEST_F(opening, makes_private_folders) {
  const folder_store store = opened();
  for (const char* name : {".sluice", ".sluice/partials"}) {
    struct stat seen{};
    ASSERT_EQ(::stat((root / name).c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0700u) << name;
  }
}

TEST_F(opening, closes_up_a_partials_folder_that_is_open_to_others) {
  fs::create_directories(root / ".sluice/partials");
  fs::permissions(root / ".sluice/partials", fs::perms::all);
  const folder_store store = opened();
  EXPECT_EQ(fs::status(root / ".sluice/partials").permissions(), fs::perms::owner_all);
}

TEST_F(opening, syncs_the_folders_that_it_makes_and_only_those) {
  faulty_files files;
  {
    const folder_store store = opened(files);
  }
  EXPECT_EQ(files.count(file_call::fsync), 2);
  {
    const folder_store store = opened(files);
  }
  EXPECT_EQ(files.count(file_call::fsync), 2);
}

TEST_F(opening, refuses_a_root_that_is_missing_or_a_file) {
  put(base / "file", "x");
  EXPECT_EQ(code_of(folder_store::open(linux_files(), base / "missing")), errc::not_found);
  EXPECT_EQ(code_of(folder_store::open(linux_files(), base / "file")), errc::not_a_file);
}

TEST_F(opening, refuses_a_kernel_without_openat2) {
  faulty_files files;
  files.fail_always(file_call::openat2, -ENOSYS);
  const auto store = folder_store::open(files, root);
  EXPECT_EQ(code_of(store), errc::unsupported);
}

TEST_F(opening, two_stores_never_share_a_data_folder) {
  {
    const folder_store first = opened();
    EXPECT_EQ(code_of(folder_store::open(linux_files(), root)), errc::busy);
    EXPECT_EQ(code_of(folder_store::open(linux_files(), outside, root / ".sluice")), errc::busy);
  }
  EXPECT_TRUE(folder_store::open(linux_files(), root));
}

TEST_F(opening, refuses_a_data_folder_that_would_be_served) {
  fs::create_directories(root / "a/.state");
  for (const fs::path& data : {root, root / "state", root / "a/.state"}) {
    EXPECT_EQ(code_of(folder_store::open(linux_files(), root, data)), errc::invalid_argument)
        << data;
  }
  fs::create_directory_symlink(root / "a", outside / "link");
  EXPECT_EQ(code_of(folder_store::open(linux_files(), root, outside / "link")),
            errc::invalid_argument);
  EXPECT_TRUE(folder_store::open(linux_files(), root, root / ".state"));
  EXPECT_TRUE(folder_store::open(linux_files(), root, base / "state"));
}

TEST_F(opening, refuses_a_root_inside_the_data_folder) {
  EXPECT_EQ(code_of(folder_store::open(linux_files(), root, base)), errc::invalid_argument);
}

TEST_F(opening, refuses_partials_on_another_volume) {
  const fs::path other = "/dev/shm";
  if (!fs::is_directory(other)) GTEST_SKIP() << "no other volume here";
  const fs::path data = other / base.filename();
  EXPECT_EQ(code_of(folder_store::open(linux_files(), root, data)), errc::not_allowed);
  fs::remove_all(data);
}

TEST_F(opening, clears_leftovers_of_small_files_and_keeps_partials) {
  {
    const folder_store store = opened();
  }
  put(root / ".sluice/partials/17.tmp", "left");
  put(root / ".sluice/partials" / (id(1).text() + ".part"), "kept");
  const folder_store store = opened();
  EXPECT_FALSE(fs::exists(root / ".sluice/partials/17.tmp"));
  EXPECT_TRUE(fs::exists(root / ".sluice/partials" / (id(1).text() + ".part")));
}

TEST_F(opening, works_while_calls_are_interrupted) {
  faulty_files files;
  files.interrupt(true);
  const auto store = folder_store::open(files, root);
  EXPECT_TRUE(store) << store.error().message();
}

// A volume that has another number after each mount.
class numbered_volume : public forwarding_files {
 public:
  explicit numbered_volume(unsigned number) : forwarding_files(linux_files()), number_(number) {}
  int statx(int dir_fd, const char* path, int flags, unsigned mask, struct statx* out) override {
    const int answer = forwarding_files::statx(dir_fd, path, flags, mask, out);
    out->stx_dev_minor += number_;
    return answer;
  }

 private:
  const unsigned number_;
};

TEST_F(opening, knows_a_file_again_when_its_volume_has_another_number) {
  put(root / "film", "content");
  identity before;
  for (const unsigned number : {1U, 2U}) {
    numbered_volume files(number);
    const auto seen = opened(files).stat(at("film"));
    ASSERT_TRUE(seen);
    if (number == 1) before = seen->id;
    EXPECT_EQ(seen->id, before);
    EXPECT_NE(seen->id.ino, 0U);
  }
}

}  // namespace
}  // namespace sluice::store
