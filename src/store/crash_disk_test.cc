#include "store/crash_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <span>

namespace sluice::store {
namespace {

constexpr survival keep{.mode = survival_mode::keep};
constexpr survival drop{.mode = survival_mode::drop};
constexpr node_id folder = 2;
constexpr node_id file = 3;

// The root with one folder and, in it, one file of 2 sectors, all durable.
disk_image start() {
  auto content = std::make_shared<disk_content>();
  content->bytes.assign(2 * sector_bytes, std::byte{'o'});
  disk_image image;
  image.nodes[root_node] = {.is_folder = true, .names = {{"d", folder}}};
  image.nodes[folder] = {.is_folder = true, .names = {{"f", file}}};
  image.nodes[file] = {.attributes = {.mode = 0600, .mtime_ns = 5}, .content = content};
  return image;
}

class crash_disk_rules : public testing::Test {
 protected:
  void call(disk_change change) {
    disk_.apply({"", {std::move(change)}});
    ++calls_;
  }
  void write(std::uint64_t offset, std::size_t count, char with) {
    call(bytes_written{
        file, offset,
        std::make_shared<const std::vector<std::byte>>(count, static_cast<std::byte>(with))});
  }
  void sync(sync_kind kind, node_id node, bool failed = false) {
    call(node_synced{kind, node, calls_, failed});
  }
  // A letter a sector; '?' where it holds several.
  std::string text(const survival& how) {
    const auto content = disk_.found(how).nodes.at(file).content;
    std::string text;
    for (std::size_t at = 0; at < content->bytes.size(); at += sector_bytes) {
      const auto sector = std::span(content->bytes).subspan(at, sector_bytes);
      const bool same = std::ranges::all_of(sector, [&](auto b) { return b == sector[0]; });
      text += !same ? '?' : sector[0] == std::byte{} ? '0' : static_cast<char>(sector[0]);
    }
    return text;
  }
  bool has(const survival& how, node_id in, const std::string& name) {
    const auto image = disk_.found(how);
    return image.nodes.contains(in) && image.nodes.at(in).names.contains(name);
  }
  crash_disk disk_{start()};
  std::size_t calls_ = 0;
};

TEST_F(crash_disk_rules, content_is_safe_after_fdatasync_only) {
  write(0, sector_bytes, 'n');
  EXPECT_EQ(text(keep), "no");
  EXPECT_EQ(text(drop), "oo");
  sync(sync_kind::content, file);
  EXPECT_EQ(text(drop), "no");
}

TEST_F(crash_disk_rules, a_sync_covers_what_came_before_it_began) {
  const auto begun = calls_;
  write(0, sector_bytes, 'n');
  call(node_synced{sync_kind::content, file, begun, false});
  EXPECT_EQ(text(drop), "oo");
}

TEST_F(crash_disk_rules, a_write_is_torn_by_sectors) {
  write(0, 2 * sector_bytes, 'n');
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    seen.insert(text({survival_mode::torn, seed}));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"oo", "nn", "no", "on"}));
}

TEST_F(crash_disk_rules, the_size_may_come_without_the_bytes) {
  write(2 * sector_bytes, sector_bytes, 'n');
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    seen.insert(text({survival_mode::torn, seed}));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"oo", "oon", "oo0"}));
}

TEST_F(crash_disk_rules, the_same_seed_finds_the_same) {
  write(0, 2 * sector_bytes, 'n');
  const auto once = disk_.found({survival_mode::torn, 7}).digest();
  EXPECT_EQ(disk_.found({survival_mode::torn, 7}).digest(), once);
  EXPECT_NE(disk_.found(keep).digest(), disk_.found(drop).digest());
}

TEST_F(crash_disk_rules, mode_and_time_need_fsync) {
  call(attributes_set{.node = file, .mtime_ns = 9});
  sync(sync_kind::content, file);
  EXPECT_EQ(disk_.found(drop).nodes.at(file).attributes.mtime_ns, 5);
  EXPECT_EQ(disk_.found(keep).nodes.at(file).attributes.mtime_ns, 9);
  sync(sync_kind::everything, file);
  EXPECT_EQ(disk_.found(drop).nodes.at(file).attributes.mtime_ns, 9);
}

TEST_F(crash_disk_rules, a_name_needs_a_sync_of_its_folder) {
  disk_.apply({"", {node_made{4, false, 0600}, name_given{{folder, "g"}, 4}}});
  ++calls_;
  sync(sync_kind::everything, 4);
  sync(sync_kind::everything, root_node);
  EXPECT_FALSE(has(drop, folder, "g"));
  EXPECT_TRUE(has(keep, folder, "g"));
  sync(sync_kind::everything, folder);
  EXPECT_TRUE(has(drop, folder, "g"));
}

TEST_F(crash_disk_rules, a_removed_name_comes_back_until_its_folder_is_synced) {
  call(name_removed{{folder, "f"}, file});
  EXPECT_TRUE(has(drop, folder, "f"));
  EXPECT_FALSE(has(keep, folder, "f"));
  sync(sync_kind::volume, root_node);
  EXPECT_FALSE(has(drop, folder, "f"));
}

TEST_F(crash_disk_rules, a_renamed_file_is_never_nowhere) {
  call(name_moved{{folder, "f"}, {root_node, "f"}, file});
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    const survival torn{survival_mode::torn, seed};
    EXPECT_NE(has(torn, folder, "f"), has(torn, root_node, "f")) << seed;
  }
  sync(sync_kind::everything, folder);  // in the wrong order: promises nothing
  EXPECT_TRUE(has(drop, folder, "f"));
  EXPECT_FALSE(has(drop, root_node, "f"));
  sync(sync_kind::everything, root_node);
  EXPECT_TRUE(has(drop, root_node, "f"));
  EXPECT_TRUE(has(drop, folder, "f"));  // the old one came back beside it
  sync(sync_kind::everything, folder);
  EXPECT_FALSE(has(drop, folder, "f"));
}

TEST_F(crash_disk_rules, what_a_failed_sync_lost_no_other_one_saves) {
  write(0, sector_bytes, 'n');
  sync(sync_kind::content, file, true);
  sync(sync_kind::content, file);
  EXPECT_EQ(text(drop), "oo");
  write(0, sector_bytes, 'm');
  sync(sync_kind::content, file);
  EXPECT_EQ(text(drop), "mo");
  EXPECT_EQ(text(keep), "mo");
}

}  // namespace
}  // namespace sluice::store
