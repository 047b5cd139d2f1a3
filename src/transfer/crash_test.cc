// The power goes off behind every call: what a client was told must hold (docs/durability.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "base/log.h"
#include "transfer/crash_explorer.h"

namespace sluice::transfer {
namespace {

using namespace test;

std::vector<workload> all_workloads() {
  auto all = upload_workloads();
  for (auto& one : serial_workloads()) all.push_back(std::move(one));
  for (auto& one : publishing_workloads()) all.push_back(std::move(one));
  for (auto& one : name_workloads()) all.push_back(std::move(one));
  const auto settings = crash_settings::from_environment();
  const bool quick = !settings.all && settings.point.empty();
  for (auto& one : random_workloads(quick ? 3 : 40)) all.push_back(std::move(one));
  return all;
}

// SQLite happens to sync the folder later, with its journal's: that is no promise of its own.
TEST(crash_at_first_start, finds_the_catalog_under_its_name) {
  store::disk_image empty;
  empty.nodes[store::root_node] = {.is_folder = true, .attributes = {.mode = 0755}};
  machine server(empty, 0, watch::all);
  server.open();
  server.close();
  const auto& calls = server.disk().calls();
  const auto made = std::ranges::find_if(
      calls, [](const auto& one) { return one.text.ends_with(" catalog.db"); });
  ASSERT_NE(made, calls.end());
  ASSERT_NE(made + 1, calls.end());
  EXPECT_TRUE((made + 1)->text.starts_with("fsync ")) << (made + 1)->text;
  EXPECT_TRUE((made + 1)->text.ends_with(" .sluice")) << (made + 1)->text;
}

class crash : public testing::TestWithParam<workload> {
 protected:
  static void TearDownTestSuite() {
    std::cout << "crash points in all: " << total.calls << " calls, " << total.points << " points, "
              << total.distinct << " distinct (" << total.in_recovery << " in the recovery), "
              << total.broken << " broken\n";
  }
  static inline crash_counts total;
};

TEST_P(crash, behind_every_call) {
  base::set_log_level(base::log_level::off);
  const auto settings = crash_settings::from_environment();
  const auto counts = crash_explorer(GetParam(), settings).run([](const std::string& broken) {
    ADD_FAILURE() << broken;
  });
  std::cout << "crash points of " << GetParam().name << ": " << counts.calls << " calls, "
            << counts.points << " points, " << counts.distinct << " distinct ("
            << counts.in_recovery << " in the recovery), " << counts.broken << " broken, seed "
            << settings.seed << "\n";
  total.calls += counts.calls;
  total.points += counts.points;
  total.distinct += counts.distinct;
  total.in_recovery += counts.in_recovery;
  total.broken += counts.broken;
  EXPECT_EQ(counts.broken, 0U);
  EXPECT_GT(counts.distinct, 0U);
}

INSTANTIATE_TEST_SUITE_P(power_off, crash, testing::ValuesIn(all_workloads()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace sluice::transfer
