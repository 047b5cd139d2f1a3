// For tests of crashes: a workload is run once and written down; then the power goes off behind
// each of its calls, and what is found is given to a server and looked at.
//
// Settings come from the environment:
//   SLUICE_CRASH=all       more tosses of the coin, and crashes in the recovery from each crash
//   SLUICE_CRASH_SEED=N    of the tosses; 1
//   SLUICE_CRASH_POINT=P   only this point, as a failure names it; shows the calls before it
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "transfer/crash_actor.h"
#include "transfer/crash_check.h"

namespace sluice::transfer::test {

struct workload {
  std::string name;
  std::function<void(actor&)> run;
  std::map<std::string, place> before{};  // what is there at the beginning
  bool from_nothing = false;              // the server never ran here
  bool recovery_too = false;              // crashes in its recovery, always
  // What somebody does to the disk between the crash and the next start.
  std::function<void(store::disk_image&, expectation&)> between{};
};

inline void PrintTo(const workload& what, std::ostream* out) { *out << what.name; }

// In the order in which they are run. All of them are different in name.
[[nodiscard]] std::vector<workload> upload_workloads();
[[nodiscard]] std::vector<workload> serial_workloads();
[[nodiscard]] std::vector<workload> publishing_workloads();
[[nodiscard]] std::vector<workload> name_workloads();
[[nodiscard]] std::vector<workload> random_workloads(std::size_t count);

struct crash_settings {
  bool all = false;
  std::uint64_t seed = 1;
  std::vector<std::string> point;  // name, call, survival, and the same of the recovery

  [[nodiscard]] static crash_settings from_environment();
};

struct crash_counts {
  std::size_t calls = 0;
  std::size_t points = 0;       // calls times ways to survive
  std::size_t distinct = 0;     // states of disk and promises that differ: each was looked at
  std::size_t in_recovery = 0;  // of the distinct ones
  std::size_t broken = 0;
};

class crash_explorer {
 public:
  crash_explorer(workload what, crash_settings settings);

  // Says what is broken by `report`, the first few times.
  crash_counts run(const std::function<void(const std::string&)>& report);

 private:
  struct recording {
    store::disk_image start;
    std::vector<store::disk_call> calls;
    std::shared_ptr<story> told;
  };
  using steps = std::vector<std::string>;  // how a point was reached: call, survival, ...

  [[nodiscard]] recording record_run();
  [[nodiscard]] recording record_recovery(const store::disk_image& found, unsigned generation);
  void walk(const recording& of, expectation expected, const steps& so_far);
  void visit(store::disk_image found, expectation expected, const recording& of,
             const steps& point);
  [[nodiscard]] std::vector<std::string> broken_after(const store::disk_image& found,
                                                      const expectation& expected,
                                                      unsigned generation);
  [[nodiscard]] std::vector<store::survival> ways(std::size_t depth) const;
  [[nodiscard]] bool is_wanted(const steps& point) const;
  [[nodiscard]] bool goes_deeper(const steps& point, const store::survival& how) const;

  const workload what_;
  const crash_settings settings_;
  expectation start_;
  crash_counts counts_;
  std::set<std::pair<base::digest128, std::size_t>> seen_;
  std::function<void(const std::string&)> report_;
};

}  // namespace sluice::transfer::test
