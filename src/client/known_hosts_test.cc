#include "client/known_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace sluice::client {
namespace {

class KnownHosts : public testing::Test {
 protected:
  ~KnownHosts() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string text() const {
    std::ostringstream all;
    all << std::ifstream(known_.file()).rdbuf();
    return all.str();
  }
  void write(const std::string& content) const { std::ofstream(known_.file()) << content; }

  static std::filesystem::path new_folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "sluice-hosts-XXXXXX";
    return ::mkdtemp(pattern.data());
  }

  std::filesystem::path folder_ = new_folder();
  known_hosts known_{folder_ / "config" / "known_hosts"};
};

TEST_F(KnownHosts, keeps_what_was_seen_first) {
  const auto first = known_.find_or_add("nas:8080", "SHA256:aa");
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_TRUE(first->is_new);
  const auto again = known_.find_or_add("nas:8080", "SHA256:bb");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->fingerprint, "SHA256:aa");
  ASSERT_TRUE(known_.find_or_add("nas:8081", "SHA256:cc")->is_new);
  EXPECT_EQ(text(), "nas:8080 SHA256:aa\nnas:8081 SHA256:cc\n");
  struct stat facts{};
  ASSERT_EQ(::stat(known_.file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(KnownHosts, forgets_a_port_or_a_host) {
  for (const auto* place : {"nas:1", "nas:2", "nas2:1", "[::1]:8080"}) {
    ASSERT_TRUE(known_.find_or_add(place, "SHA256:aa"));
  }
  EXPECT_EQ(known_.forget("nas:1"), result<std::size_t>(1U));
  EXPECT_EQ(known_.forget("nas:1"), result<std::size_t>(0U));
  EXPECT_EQ(known_.forget("nas"), result<std::size_t>(1U));
  EXPECT_EQ(known_.forget("[::1]"), result<std::size_t>(1U));
  EXPECT_EQ(text(), "nas2:1 SHA256:aa\n");
}

TEST_F(KnownHosts, leaves_other_lines_alone) {
  ASSERT_EQ(known_.list()->size(), 0U);
  std::filesystem::create_directories(known_.file().parent_path());
  write("# ours\nnas:1 SHA256:aa\nnonsense\nnas:2 MD5:bb\n\nnas:3 SHA256:cc");
  const auto found = known_.list();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(1).authority, "nas:3");
  ASSERT_TRUE(known_.find_or_add("nas:2", "SHA256:dd")->is_new);
  EXPECT_EQ(known_.forget("nas:1"), result<std::size_t>(1U));
  EXPECT_EQ(text(), "# ours\nnonsense\nnas:2 MD5:bb\n\nnas:3 SHA256:cc\nnas:2 SHA256:dd\n");
}

TEST_F(KnownHosts, has_a_limit) {
  std::filesystem::create_directories(known_.file().parent_path());
  write(std::string(known_hosts::file_bytes_max, '#'));
  EXPECT_TRUE(known_.list());
  write(std::string(known_hosts::file_bytes_max + 1, '#'));
  const auto refused = known_.list();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_argument);
  EXPECT_FALSE(known_.find_or_add("nas:1", "SHA256:aa"));
}

TEST_F(KnownHosts, loses_none_of_those_that_come_together) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 10; ++n) {
        EXPECT_TRUE(
            known_.find_or_add("nas" + std::to_string(i) + ":" + std::to_string(n), "SHA256:aa"));
      }
    });
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(known_.list()->size(), 80U);
}

TEST_F(KnownHosts, says_what_it_cannot_do) {
  const known_hosts in_a_file(folder_ / "file" / "known_hosts");
  std::ofstream(folder_ / "file") << "x";
  const auto refused = in_a_file.find_or_add("nas:1", "SHA256:aa");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, testing::HasSubstr("known_hosts"));
}

}  // namespace
}  // namespace sluice::client
