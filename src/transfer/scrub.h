// What is stored against what was recorded when it was stored: finds what a disk lost at rest.
//
// Walks a folder (or looks at one file), reads each file that has a record from the disk, not from
// the page cache, and compares the digest of each block. It changes nothing: what to do about a
// damaged file is for people to say. A file without a record (copied in by hand, or written in
// place since) has nothing to be compared with; it is counted, and with `record` it is read and
// gets a record of what it holds now.
//
// Owner: whoever runs it, one thread at a time; it blocks on the disk. It holds one buffer of 4 MiB
// and a page of the listing.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/permission.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"

namespace sluice::transfer {

struct damage {
  std::string path;                    // below the served folder
  std::optional<std::uint64_t> block;  // absent: the file as a whole
  std::string what;                    // "its bytes are not those that were recorded"
};

// How far it is, from its beginning.
struct scrub_counts {
  std::uint64_t files = 0;      // with a record, read to the end
  std::uint64_t bytes = 0;      // read
  std::uint64_t no_record = 0;  // files that have none and were not given one
  std::uint64_t recorded = 0;   // files that were given one
  std::uint64_t changed = 0;    // files that were written to meanwhile, or went away: not judged
  std::uint64_t damaged_files = 0;
  std::uint64_t differences = 0;
  std::uint64_t files_passed = 0;  // all of the above, for the progress
  std::uint64_t bytes_passed = 0;  // the sizes of those that were not read among them
  std::uint64_t files_total = 0;
  std::uint64_t bytes_total = 0;
  bool totals_known = false;
};

class scrub {
 public:
  using allowed = base::permitted<base::right::take>;

  // `where` outlives it. Records need the right to change, too.
  //   not_found, not_allowed, invalid_argument, io
  [[nodiscard]] static result<std::unique_ptr<scrub>> begin(site& where, const allowed& what,
                                                            bool record);
  ~scrub();
  scrub(const scrub&) = delete;
  scrub& operator=(const scrub&) = delete;

  // The next portion: reads at most about `bytes_max`, and looks at no more than a few hundred
  // files. False: it is over. A file that cannot be read is damage, not an error.
  //   io: the folder or the catalog cannot be read
  [[nodiscard]] result<bool> next(std::uint64_t bytes_max);

  [[nodiscard]] const scrub_counts& counts() const noexcept { return counts_; }
  // The file at work.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // What was found since the last call.
  [[nodiscard]] std::vector<damage> take_damages() { return std::exchange(damages_, {}); }

 private:
  friend class scrubs;
  struct reading;
  struct free_aligned {
    void operator()(std::byte* memory) const noexcept;
  };

  scrub(site& where, store::rel_path root, bool record);
  [[nodiscard]] result<void> open_listing();
  [[nodiscard]] result<bool> next_page();
  [[nodiscard]] result<bool> count_page();
  [[nodiscard]] result<void> begin_file(const store::entry& file);
  [[nodiscard]] std::uint64_t read_some(std::uint64_t bytes_max);
  void compare(std::uint64_t first_block, std::uint64_t bytes);
  void end_file();
  void pass(std::uint64_t& counter, std::uint64_t size_bytes);
  void add(std::optional<std::uint64_t> block, std::string what);

  site& site_;
  std::shared_ptr<void> place_;  // among those that run at the same time
  const store::rel_path root_;
  const bool record_;
  std::unique_ptr<std::byte[], free_aligned> buffer_;
  std::optional<store::entry> only_;  // where the root is a file
  std::optional<store::listing> listing_;
  bool more_ = true;
  std::deque<store::entry> entries_;
  std::unique_ptr<reading> reading_;
  std::string path_;
  std::vector<damage> damages_;
  scrub_counts counts_;
};

// What a step may read so that a pause behind it is short; 0: no limit of the rate.
[[nodiscard]] std::uint64_t scrub_step_bytes(std::uint64_t bytes_per_second) noexcept;
// How long to wait where so much was read in the time that passed.
[[nodiscard]] std::chrono::milliseconds scrub_pause(
    std::uint64_t bytes_per_second, std::uint64_t bytes,
    std::chrono::steady_clock::duration passed) noexcept;

// A server's scrubs: few at a time, since each of them can keep a disk busy.
class scrubs {
 public:
  static constexpr std::size_t at_once = 2;

  // `where` outlives it. `bytes_per_second_max` is the most for each; 0: no limit.
  explicit scrubs(site& where, std::uint64_t bytes_per_second_max = 0)
      : site_(where), bytes_per_second_max_(bytes_per_second_max) {}

  // As scrub::begin, and busy: too many run. Any thread.
  [[nodiscard]] result<std::unique_ptr<scrub>> begin(const scrub::allowed& what, bool record);

  // What is wished, within the limit; 0: no limit.
  [[nodiscard]] std::uint64_t rate_for(std::uint64_t wished) const noexcept {
    if (wished == 0 || bytes_per_second_max_ == 0) return std::max(wished, bytes_per_second_max_);
    return std::min(wished, bytes_per_second_max_);
  }

 private:
  site& site_;
  const std::uint64_t bytes_per_second_max_;
  const std::shared_ptr<std::atomic<std::size_t>> running_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace sluice::transfer
