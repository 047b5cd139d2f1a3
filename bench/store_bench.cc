// What the store's ways of writing cost on the volume at hand: `store_bench [FOLDER [ROUNDS
// [FILES]]]`.
//
// Each round makes its files in a fresh folder, and removal comes at the very end: creating files
// soon after many were deleted is several times slower on ext4, whatever the way. Rounds of the
// ways take turns, and the best of each is told beside its processor time, because other work on
// the machine only ever makes a round slower.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "store/store.h"

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using clock_type = std::chrono::steady_clock;

int files_a_round = 4'000;
constexpr std::size_t file_bytes = std::size_t{16} << 10;

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

double processor_seconds() {
  struct rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const struct timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

[[noreturn]] void give_up(std::string_view what) {
  fmt::print(stderr, "store_bench: {}\n", what);
  std::exit(1);
}

template <class T>
T need(result<T> outcome) {
  if (!outcome) give_up(outcome.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

void need(bool good, std::string_view what) {
  if (!good) give_up(what);
}

struct place {
  store::folder_store store;
  fs::path root;
};

// --- Small files ---

// Makes the files i, i + threads, ... of the folder.
using maker = std::function<void(place&, const std::string& folder, int first, int step)>;

const std::vector<std::byte>& small_content() {
  static const std::vector<std::byte> content(file_bytes, std::byte{'x'});
  return content;
}

void plainly(place& at, const std::string& folder, int first, int step) {
  for (int i = first; i < files_a_round; i += step) {
    const fs::path path = at.root / folder / fmt::format("f{}", i);
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    need(fd >= 0 && ::write(fd, small_content().data(), file_bytes) == ssize_t{file_bytes},
         "write");
    need(::close(fd) == 0, "close");
  }
}

void put_small(place& at, const std::string& folder, int first, int step) {
  for (int i = first; i < files_a_round; i += step) {
    const auto path = need(store::rel_path::parse(fmt::format("{}/f{}", folder, i)));
    need(at.store.put_small(path, small_content(), 1'700'000'000'000'000'000, false));
  }
}

// As the transfer room does: the content of a batch is made durable before any of it gets a name.
void staged_and_synced(place& at, const std::string& folder, int first, int step) {
  constexpr std::size_t batch_files = 128;
  std::vector<std::pair<store::staged_file, store::rel_path>> batch;
  const auto publish_batch = [&] {
    need(at.store.sync_volume());
    for (auto& [file, path] : batch) need(at.store.publish(file, path));
    need(at.store.sync_volume());
    batch.clear();
  };
  for (int i = first; i < files_a_round; i += step) {
    auto staged =
        need(at.store.stage_small(small_content(), 1'700'000'000'000'000'000, false, false));
    batch.emplace_back(std::move(staged),
                       need(store::rel_path::parse(fmt::format("{}/f{}", folder, i))));
    if (batch.size() == batch_files) publish_batch();
  }
  publish_batch();
}

// The kernel's steps behind the ways, without the store's own work around them.
struct raw_way {
  bool tmpfile;       // O_TMPFILE and linkat; otherwise a name among the partials and renameat2
  bool in_parent;     // where the file is made: in its folder, or among the partials
  bool parent_kept;   // the folder's descriptor is opened once, not for each file
  bool own_partials;  // a partials folder of its own for each thread
};

void raw(const raw_way& way, place& at, const std::string& folder, int first, int step) {
  const std::string parent = (at.root / folder).string();
  fs::path partials = at.root / ".sluice/partials";
  if (way.own_partials) {
    partials = at.root / ".raw" / folder / std::to_string(first);
    fs::create_directories(partials);
  }
  const auto open_folder = [](const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(fd >= 0, "open a folder");
    return fd;
  };
  const int kept = open_folder(parent);
  const int partials_fd = open_folder(partials.string());
  const struct timespec times[2] = {{0, UTIME_OMIT}, {1'700'000'000, 0}};
  for (int i = first; i < files_a_round; i += step) {
    const int folder_fd = way.parent_kept ? kept : open_folder(parent);
    const std::string name = fmt::format("f{}", i);
    const int fd = way.tmpfile ? ::openat(way.in_parent ? folder_fd : partials_fd, ".",
                                          O_TMPFILE | O_RDWR | O_CLOEXEC, 0644)
                               : ::openat(partials_fd, name.c_str(),
                                          O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0644);
    need(fd >= 0 && ::pwrite(fd, small_content().data(), file_bytes, 0) == ssize_t{file_bytes},
         "write");
    need(::futimens(fd, times) == 0, "futimens");
    struct statx seen{};
    need(::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &seen) == 0, "statx");
    need((way.tmpfile ? ::linkat(fd, "", folder_fd, name.c_str(), AT_EMPTY_PATH)
                      : ::renameat2(partials_fd, name.c_str(), folder_fd, name.c_str(),
                                    RENAME_NOREPLACE)) == 0,
         "name");
    need(::close(fd) == 0, "close");
    if (!way.parent_kept) ::close(folder_fd);
  }
  ::close(kept);
  ::close(partials_fd);
}

struct figure {
  double best_seconds = 1e9;
  double best_processor = 1e9;
};

figure run_small(place& at, const maker& make, const std::string& folder, int threads) {
  for (int i = 0; i < threads; ++i) {
    need(at.store.mkdir(need(store::rel_path::parse(fmt::format("{}/{}", folder, i))), true, true));
  }
  const double processor = processor_seconds();
  const auto start = clock_type::now();
  std::vector<std::jthread> running;
  running.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] { make(at, fmt::format("{}/{}", folder, i), i, threads); });
  }
  running.clear();
  return {seconds_since(start), processor_seconds() - processor};
}

void bench_small(place& at, int rounds) {
  const auto with = [](const raw_way& way) {
    return [way](place& where, const std::string& folder, int first, int step) {
      raw(way, where, folder, first, step);
    };
  };
  const std::vector<std::pair<std::string, maker>> ways{
      {"plain create, write, close", plainly},
      {"raw: O_TMPFILE in the parent, link", with({true, true, false, false})},
      {"raw: same, parent's descriptor kept", with({true, true, true, false})},
      {"raw: O_TMPFILE in the partials, link", with({true, false, false, false})},
      {"raw: create in partials, rename", with({false, false, false, false})},
      {"raw: same, a partials folder a thread", with({false, false, false, true})},
      {"store: put_small", put_small},
      {"store: staged, synced by 128", staged_and_synced},
  };
  fmt::print("{} files of {}; files/s of the best of {} rounds (processor us a file)\n",
             files_a_round, base::format_size(file_bytes), rounds);
  fmt::print("{:<40}{:>18}{:>18}{:>18}\n", "", "1 thread", "2 threads", "4 threads");
  std::map<std::pair<std::size_t, int>, figure> best;
  int folder = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const int threads : {1, 2, 4}) {
      for (std::size_t way = 0; way < ways.size(); ++way) {
        const auto seen = run_small(at, ways[way].second, fmt::format("s{}", folder++), threads);
        figure& kept = best[{way, threads}];
        kept.best_seconds = std::min(kept.best_seconds, seen.best_seconds);
        kept.best_processor = std::min(kept.best_processor, seen.best_processor);
      }
    }
    need(at.store.sync_volume());
  }
  for (std::size_t way = 0; way < ways.size(); ++way) {
    fmt::print("{:<40}", ways[way].first);
    for (const int threads : {1, 2, 4}) {
      const figure& seen = best[{way, threads}];
      fmt::print("{:>10.0f} ({:>5.1f})", files_a_round / seen.best_seconds,
                 seen.best_processor / files_a_round * 1e6);
    }
    fmt::print("\n");
  }
  std::fflush(stdout);
}

// --- One large file ---

constexpr std::uint64_t large_bytes = std::uint64_t{1} << 30;

store::partial_id next_id() {
  static unsigned char number = 0;
  store::partial_id id;
  id.bytes[0] = std::byte{++number};
  return id;
}

void told_large(std::string_view way, clock_type::time_point start, double processor) {
  const double seconds = seconds_since(start);
  fmt::print("{:<52}{:>9.0f} MiB/s{:>9.2f} s of processor\n", way,
             static_cast<double>(large_bytes >> 20) / seconds, processor_seconds() - processor);
}

// Writes 1 MiB at a time through the page cache, with write-behind and a sync each 64 MiB.
void bench_buffered(place& at, bool allocate, bool write_behind) {
  constexpr std::uint64_t block = 1 << 20;
  const std::vector<std::byte> content(block, std::byte{'v'});
  const auto id = next_id();
  const auto made = need(at.store.create_partial(id, allocate ? large_bytes : 0));
  const auto start = clock_type::now();
  const double processor = processor_seconds();
  for (std::uint64_t offset = 0; offset < large_bytes; offset += block) {
    need(made->write(offset, content));
    if (write_behind && (offset + block) % (8 * block) == 0) {
      made->start_writeback(offset + block - 8 * block, 8 * block);
    }
    if ((offset + block) % (64 * block) == 0) need(made->sync());
  }
  told_large(fmt::format("1 MiB writes, sync each 64 MiB{}{}", allocate ? ", allocated" : "",
                         write_behind ? ", write-behind" : ""),
             start, processor);
  need(at.store.remove_partial(id));
}

void bench_direct(place& at, std::size_t block) {
  const fs::path path = at.root / ".sluice/partials/direct";
  const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
  if (fd < 0) {
    fmt::print("O_DIRECT: refused by this volume\n");
    return;
  }
  need(::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, off_t{large_bytes}) == 0, "fallocate");
  const std::unique_ptr<void, void (*)(void*)> content(std::aligned_alloc(4096, block), std::free);
  std::fill_n(static_cast<char*>(content.get()), block, 'v');
  const auto start = clock_type::now();
  const double processor = processor_seconds();
  std::uint64_t unsynced = 0;
  for (std::uint64_t offset = 0; offset < large_bytes; offset += block) {
    need(::pwrite(fd, content.get(), block, static_cast<off_t>(offset)) ==
             static_cast<ssize_t>(block),
         "direct write");
    unsynced += block;
    if (unsynced >= 64 << 20) {
      need(::fdatasync(fd) == 0, "fdatasync");
      unsynced = 0;
    }
  }
  told_large(
      fmt::format("O_DIRECT {} writes, sync each 64 MiB, allocated", base::format_size(block)),
      start, processor);
  ::close(fd);
  fs::remove(path);
}

void bench_large(place& at) {
  fmt::print("\none file of {}\n", base::format_size(large_bytes));
  bench_buffered(at, false, false);
  bench_buffered(at, true, false);
  bench_buffered(at, true, true);
  bench_direct(at, 1 << 20);
  bench_direct(at, 4 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 3) files_a_round = std::max(std::atoi(argv[3]), 1);
  std::string name = (fs::path(argc > 1 ? argv[1] : ".") / "store-bench-XXXXXX").string();
  need(::mkdtemp(name.data()) != nullptr, "cannot make a folder in the one given");
  {
    place at{need(store::folder_store::open(store::linux_files(), name)), name};
    bench_small(at, argc > 2 ? std::max(std::atoi(argv[2]), 1) : 3);
    bench_large(at);
  }
  fs::remove_all(name);
}
