#include "transfer/crash_machine.h"

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace sluice::transfer::test {

namespace {

// The recorder of the machine whose catalog is watched.
std::atomic<store::crash_recorder*> watched = nullptr;
std::atomic<std::uint64_t> ids_given = 0;

std::filesystem::path memory() {
  return std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
}

}  // namespace

void restart_ids() { ids_given = 0; }

// --- The catalog's files ---

class machine::witness final : public catalog::file_witness {
 public:
  explicit witness(store::crash_recorder& disk) : disk_(disk) {
    catalog::watch_databases(this);
    watched = &disk;
  }
  ~witness() override {
    watched = nullptr;
    catalog::watch_databases(nullptr);
  }

  std::uint64_t opened(const char* path, bool was_made) override {
    if (!disk_.holds(path)) return 0;
    return was_made ? disk_.note_made(path) : disk_.node_of(path);
  }
  void wrote(std::uint64_t file, std::uint64_t offset, std::span<const std::byte> what) override {
    disk_.note_written(file, offset, what);
  }
  void resized(std::uint64_t file, std::uint64_t size_bytes) override {
    disk_.note_resized(file, size_bytes);
  }
  void removed(const char* path, std::uint64_t file) override { disk_.note_removed(path, file); }
  std::size_t now() override { return disk_.position(); }
  void synced(std::uint64_t file, std::size_t begun) override {
    disk_.note_synced(file, store::sync_kind::content, begun);
  }
  void synced_folder_of(const char* path, std::size_t begun) override {
    disk_.note_folder_synced(path, begun);
  }

 private:
  store::crash_recorder& disk_;
};

// --- The machine ---

machine::machine(const store::disk_image& image, unsigned generation, watch what)
    : where_(memory()), disk_(root(), store::make_folder_of(image, root()), generation) {
  if (what == watch::all) witness_ = std::make_unique<witness>(disk_);
}

machine::~machine() { close(); }

void machine::open() {
  options opts = world::quiet();
  opts.checkpoint_threads = 1;
  auto opened = value(store::folder_store::open(disk_, root()));
  catalog_ = value(catalog::database::open(root() / ".sluice", {.readers = 1}));
  site_.emplace(std::move(opened), *catalog_, opts);
  uploads_ = value(uploads::start(*site_));
  small_.emplace(*site_);
  downloads_.emplace(*site_);
  tree_.emplace(*site_);
}

void machine::close() {
  tree_.reset();
  downloads_.reset();
  small_.reset();
  uploads_.reset();
  site_.reset();
  catalog_.reset();
}

}  // namespace sluice::transfer::test

// --- Calls that neither the file layer nor SQLite makes: the linker leads them here (--wrap) ---

using sluice::transfer::test::ids_given;
using sluice::transfer::test::watched;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names.
extern "C" {
int __real_open64(const char* path, int flags, ...);
int __real_fsync(int fd);

// The catalog makes its file itself, for its mode.
int __wrap_open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : mode_t{};
  va_end(rest);
  auto* const disk = watched.load();
  const bool is_new =
      disk != nullptr && disk->holds(path) && (flags & O_CREAT) != 0 && ::access(path, F_OK) != 0;
  const int fd = __real_open64(path, flags, mode);
  if (is_new && fd >= 0) disk->note_made(path);
  return fd;
}

int __wrap_fsync(int fd) {
  using sluice::store::crash_recorder;
  auto* const disk = watched.load();
  const bool is_ours = disk != nullptr && !crash_recorder::is_inside() && disk->node_of(fd) != 0;
  const std::size_t begun = is_ours ? disk->position() : 0;
  const int answer = __real_fsync(fd);
  if (is_ours && answer == 0) {
    disk->note_synced(disk->node_of(fd), sluice::store::sync_kind::everything, begun);
  }
  return answer;
}

// What a row says of the time is no reason for one page more or less.
time_t __wrap_time(time_t* out) {
  constexpr time_t always = 1'700'000'000;
  if (out != nullptr) *out = always;
  return always;
}

// An upload's id: the same ones in every run.
ssize_t __wrap_getrandom(void* out, std::size_t count, unsigned) {
  const std::uint64_t number = ++ids_given * 0x9e3779b97f4a7c15;
  std::memset(out, 0x5a, count);
  std::memcpy(out, &number, std::min(count, sizeof number));
  return static_cast<ssize_t>(count);
}
}
// NOLINTEND(bugprone-reserved-identifier)
