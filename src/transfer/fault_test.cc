// Every call of the file layer fails once, in several ways, for several workloads: nothing is
// acknowledged that is not there, nothing hangs, and what was acknowledged is still there after a
// restart; then, with the fault gone, the same work is done.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <map>
#include <mutex>

#include "store/forwarding_files.h"
#include "transfer/test_world.h"

namespace sluice::transfer::test {
namespace {

using store::file_call;

// Counts the calls that can fail, and fails the one that was chosen. Calls come from many threads:
// which call is the k-th may differ from run to run, that one of them fails does not.
class failing_files : public store::forwarding_files {
 public:
  failing_files() : forwarding_files(store::linux_files()) {}

  // From now on: the k-th call, counted from 0. `times` in a row.
  void fail_at(std::uint64_t number, int answer, std::uint64_t times = 1) {
    const std::lock_guard lock(mutex_);
    calls_ = 0;
    first_ = number;
    last_ = number + times;
    answer_ = answer;
    failed_.clear();
  }
  void heal() { fail_at(~std::uint64_t{0} - 1, 0); }
  // All reads and writes move less than they are asked to.
  void shorten(bool on) { short_ = on; }

  [[nodiscard]] std::uint64_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  [[nodiscard]] std::string failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }

  ssize_t pread(int fd, std::span<std::byte> out, std::int64_t offset) override {
    return forwarding_files::pread(fd, out.first(some(out.size())), offset);
  }
  ssize_t pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) override {
    return forwarding_files::pwrite(fd, bytes.first(some(bytes.size())), offset);
  }

 protected:
  int before(file_call call) override {
    const std::lock_guard lock(mutex_);
    // A lock that cannot be taken is no fault, and a close is over whatever it answers: its failure
    // is told after the descriptor is gone.
    if (call == file_call::flock || call == file_call::close) return 0;
    const auto number = calls_++;
    if (number < first_ || number >= last_) return 0;
    failed_ += " call " + std::to_string(number) + " (kind " +
               std::to_string(static_cast<int>(call)) + ")";
    return answer_;
  }

 private:
  [[nodiscard]] std::size_t some(std::size_t bytes) const {
    return short_ && bytes > 1 ? (bytes + 1) / 2 : bytes;
  }

  mutable std::mutex mutex_;
  std::uint64_t calls_ = 0;
  std::uint64_t first_ = ~std::uint64_t{0};
  std::uint64_t last_ = ~std::uint64_t{0};
  int answer_ = 0;
  std::string failed_;
  std::atomic<bool> short_ = false;
};

const auto content = content_of(2 * mib + 5);
const auto little = content_of(300, 7);

// What a client was told.
struct told {
  std::string id;                     // of an upload
  std::string path;                   // of it
  std::vector<block_range> durable;   // of it
  std::map<std::string, bytes> done;  // files that were said to be published
};

upload_request wanted_at(const std::string& path) {
  auto wanted = request_for(path, content.size());
  wanted.resume = true;
  wanted.make_parents = true;
  return wanted;
}

// Each workload goes on as far as it is let, and notes what it was told. False: it was refused
// somewhere.
bool upload_one(world& w, const std::string& path, told& client) {
  auto opened = w.uploads().open(wanted_at(path));
  if (!opened || !opened->upload) return false;
  client.id = opened->upload->id();
  client.path = path;
  auto writer = opened->upload->attach({}, unasked());
  for (std::uint64_t block = 0; block < block_count(content); ++block) {
    if (!send(*writer, content, block)) return false;
  }
  auto durable = checkpoint(*opened->upload);
  if (!durable) return false;
  client.durable = *durable;
  if (!finish(*opened->upload)) return false;
  client.id.clear();
  client.done[path] = content;
  return true;
}

bool put_little(world& w, const std::string& path, told& client) {
  small_file wanted(unasked(path));
  wanted.mtime_ns = 5;
  wanted.make_parents = true;
  std::promise<bool> answered;
  w.small().put(wanted, little, base::digest_of(std::span(little)),
                [&](result<store::entry> stored) { answered.set_value(stored.has_value()); });
  if (!answered.get_future().get()) return false;
  client.done[path] = little;
  return true;
}

struct workload {
  const char* name;
  bool (*run)(world& w, told& client);
};

const std::array workloads{
    workload{"an upload", [](world& w, told& c) { return upload_one(w, "a/b/f", c); }},
    workload{"small files",
             [](world& w, told& c) {
               bool all = put_little(w, "s/one", c);
               all = put_little(w, "s/two", c) && all;
               return put_little(w, "s/t/three", c) && all;
             }},
    workload{"an upload of unknown size",
             [](world& w, told& c) {
               auto wanted = request_for("u", std::nullopt);
               auto opened = w.uploads().open(wanted);
               if (!opened) return false;
               c.path = "u";
               c.id = opened->upload->id();
               auto writer = opened->upload->attach({}, unasked());
               for (std::uint64_t block = 0; block < block_count(content); ++block) {
                 if (!send(*writer, content, block)) return false;
               }
               if (!finish(*opened->upload, content.size())) return false;
               c.id.clear();
               c.done["u"] = content;
               return true;
             }},
    workload{"names",
             [](world& w, told& c) {
               if (!put_little(w, "n/old", c)) return false;
               const bool renamed = w.tree().rename("n/old", "n/new", {}).has_value();
               // A rename that was not acknowledged may have been done or not.
               if (w.read("n/old").empty()) {
                 c.done.erase("n/old");
                 c.done["n/new"] = little;
               }
               if (!renamed) return false;
               EXPECT_TRUE(c.done.contains("n/new"));
               return folder_made(w.small(),
                                  {.path = "n/folder/deep", .parents = true, .mtime_ns = 9})
                   .has_value();
             }},
    workload{"a replacement",
             [](world& w, told& c) {
               if (!put_little(w, "r", c)) return false;
               const auto there = w.tree().stat("r");
               if (!there) return false;
               auto wanted = wanted_at("r");
               wanted.replaces = catalog::replaced_file{there->size_bytes, there->mtime_ns};
               auto opened = w.uploads().open(wanted);
               if (!opened) return false;
               c.path = "r";
               c.id = opened->upload->id();
               auto writer = opened->upload->attach({}, unasked());
               for (std::uint64_t block = 0; block < block_count(content); ++block) {
                 if (!send(*writer, content, block)) return false;
               }
               if (!finish(*opened->upload)) return false;
               c.id.clear();
               c.done["r"] = content;
               return true;
             }},
};

// What was acknowledged is there, and nothing else than whole files has a name.
void check(world& w, const told& client, const std::string& when) {
  for (const auto& [path, expected] : client.done) {
    // What was replaced later, and not said to be, is one of the two.
    const auto found = w.read(path);
    EXPECT_TRUE(found == expected || (found == content && !client.id.empty()))
        << path << " of " << found.size() << " bytes, " << when;
  }
  if (client.id.empty()) return;
  auto joined = w.uploads().join(client.id);
  if (!joined) {
    // Refused when it had its name already: a call failed behind that step.
    EXPECT_EQ(joined.error().code, errc::not_found) << when;
    EXPECT_EQ(w.read(client.path), content) << when;
    return;
  }
  if (!joined->upload) return;  // it was published, and the answer was lost
  auto held = joined->upload->digests(0, 1000, digest_source::content);
  ASSERT_TRUE(held) << held.error().message() << ", " << when;
  for (const auto& range : client.durable) {
    for (auto block = range.first; block < range.first + range.count; ++block) {
      const auto one = std::ranges::find(*held, block, &block_digest::block);
      ASSERT_NE(one, held->end()) << "block " << block << " was acknowledged, " << when;
      EXPECT_EQ(one->digest, base::digest_of(block_of(content, block))) << when;
    }
  }
}

void check_names(const world& w, const std::string& when) {
  namespace fs = std::filesystem;
  for (auto it = fs::recursive_directory_iterator(w.root()); it != fs::end(it); ++it) {
    if (it->path().filename() == ".sluice") {
      it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      const auto name = it->path().lexically_relative(w.root()).string();
      const auto found = w.read(name);
      EXPECT_TRUE(found == content || found == little) << name << " is not whole, " << when;
    }
  }
}

// In memory where that can be: thousands of catalogs are made and synced here, and no power is
// lost.
std::filesystem::path fast_folder() {
  const std::filesystem::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

options opts_for_faults() {
  auto opts = world::quiet();
  opts.checkpoint_threads = 1;
  return opts;
}

// One workload with one fault; then relief.
void fail_once(const workload& work, std::uint64_t number, int answer, std::uint64_t times) {
  failing_files files;
  world w(opts_for_faults(), files, fast_folder());
  told client;
  files.fail_at(number, answer, times);
  work.run(w, client);
  const auto when =
      std::string(work.name) + " with errno " + std::to_string(-answer) + " at" + files.failed();
  files.heal();
  check_names(w, when);
  // Where a sync failed, the way back is a restart; else none is needed, but it must do no harm.
  w.reopen();
  check(w, client, when);
  check_names(w, when + ", after a restart");
  told again;
  EXPECT_TRUE(upload_one(w, "after/relief", again)) << when;
  EXPECT_TRUE(put_little(w, "after/little", again)) << when;
  check(w, again, when + ", after relief");
}

std::uint64_t calls_of(const workload& work) {
  failing_files files;
  world w(opts_for_faults(), files, fast_folder());
  told client;
  files.heal();
  EXPECT_TRUE(work.run(w, client)) << work.name;
  return files.calls();
}

class faults : public testing::TestWithParam<workload> {};

TEST_P(faults, of_each_call_cost_nothing_that_was_acknowledged) {
  const auto calls = calls_of(GetParam());
  ASSERT_GT(calls, 10U);
  std::uint64_t tried = 0;
  for (const int answer : {-EIO, -ENOSPC, -EDQUOT}) {
    for (std::uint64_t number = 0; number < calls && !HasFailure(); ++number, ++tried) {
      fail_once(GetParam(), number, answer, 1);
    }
  }
  std::printf("%s: %llu faults\n", GetParam().name, static_cast<unsigned long long>(tried));
}

// A disk that stays full, or broken, from a call on.
TEST_P(faults, that_stay_cost_nothing_that_was_acknowledged) {
  const auto calls = calls_of(GetParam());
  for (const int answer : {-EIO, -ENOSPC}) {
    for (std::uint64_t number = 0; number < calls && !HasFailure(); number += 3) {
      fail_once(GetParam(), number, answer, std::uint64_t{1} << 40);
    }
  }
}

TEST_P(faults, that_interrupt_or_shorten_are_no_faults) {
  failing_files files;
  const auto calls = calls_of(GetParam());
  for (std::uint64_t number = 0; number < calls && !HasFailure(); ++number) {
    files.heal();
    world w(opts_for_faults(), files, fast_folder());
    told client;
    files.fail_at(number, -EINTR, 3);
    EXPECT_TRUE(GetParam().run(w, client)) << "EINTR at" << files.failed();
    files.heal();
    check(w, client, "EINTR");
  }
  world w(opts_for_faults(), files, fast_folder());
  told client;
  files.shorten(true);
  EXPECT_TRUE(GetParam().run(w, client)) << "short counts";
  check(w, client, "short counts");
}

INSTANTIATE_TEST_SUITE_P(of, faults, testing::ValuesIn(workloads),
                         [](const testing::TestParamInfo<workload>& one) {
                           std::string name = one.param.name;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace sluice::transfer::test
