#include "catalog/crash_vfs.h"

#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <new>
#include <string>

namespace sluice::catalog {

namespace {

std::atomic<file_witness*> watching = nullptr;
sqlite3_vfs* real_vfs = nullptr;

// SQLite gives memory for this and, behind it, for the real VFS's file.
struct watched_file {
  sqlite3_file base;
  file_witness* witness;
  std::uint64_t number;
  char* path;         // SQLite's own, valid until the file is closed
  bool syncs_folder;  // with the next sync: a journal that was just made
};

watched_file& ours(sqlite3_file* file) { return *reinterpret_cast<watched_file*>(file); }
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(watched_file));
}
bool is_watched(sqlite3_file* file) { return ours(file).number != 0; }

// --- A file ---

int close_file(sqlite3_file* file) {
  return real(file)->pMethods == nullptr ? SQLITE_OK : real(file)->pMethods->xClose(real(file));
}

int read_file(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), out, count, offset);
}

int write_file(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  const int answer = real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  if (answer == SQLITE_OK && is_watched(file)) {
    ours(file).witness->wrote(
        ours(file).number, static_cast<std::uint64_t>(offset),
        {static_cast<const std::byte*>(bytes), static_cast<std::size_t>(count)});
  }
  return answer;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const int answer = real(file)->pMethods->xTruncate(real(file), size);
  if (answer == SQLITE_OK && is_watched(file)) {
    ours(file).witness->resized(ours(file).number, static_cast<std::uint64_t>(size));
  }
  return answer;
}

int sync_file(sqlite3_file* file, int flags) {
  watched_file& one = ours(file);
  const std::size_t begun = is_watched(file) ? one.witness->now() : 0;
  const int answer = real(file)->pMethods->xSync(real(file), flags);
  if (answer != SQLITE_OK || !is_watched(file)) return answer;
  one.witness->synced(one.number, begun);
  if (one.syncs_folder) one.witness->synced_folder_of(one.path, begun);
  one.syncs_folder = false;
  return answer;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int kind) {
  return real(file)->pMethods->xLock(real(file), kind);
}
int unlock_file(sqlite3_file* file, int kind) {
  return real(file)->pMethods->xUnlock(real(file), kind);
}
int check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control_file(sqlite3_file* file, int what, void* with) {
  return real(file)->pMethods->xFileControl(real(file), what, with);
}
int sector_of_file(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int traits_of_file(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int map_memory(sqlite3_file* file, int part, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), part, size, extend, out);
}
int lock_memory(sqlite3_file* file, int first, int count, int how) {
  return real(file)->pMethods->xShmLock(real(file), first, count, how);
}
void order_memory(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int unmap_memory(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Version 2: nothing is mapped, so that every write is a call.
const sqlite3_io_methods methods = {2,
                                    close_file,
                                    read_file,
                                    write_file,
                                    truncate_file,
                                    sync_file,
                                    size_of_file,
                                    lock_file,
                                    unlock_file,
                                    check_lock,
                                    control_file,
                                    sector_of_file,
                                    traits_of_file,
                                    map_memory,
                                    lock_memory,
                                    order_memory,
                                    unmap_memory,
                                    nullptr,
                                    nullptr};

// --- The file system ---

// What the real VFS does with these: it syncs the folder with the file's first sync.
bool is_new_journal(int flags) {
  constexpr int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  return (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
}

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* told) {
  auto* one = new (file) watched_file{};
  file_witness* const witness = watching;
  const bool there = path != nullptr && ::access(path, F_OK) == 0;
  std::memset(real(file), 0, sizeof(sqlite3_file));
  const int answer = real_vfs->xOpen(real_vfs, path, real(file), flags, told);
  one->base.pMethods = real(file)->pMethods == nullptr ? nullptr : &methods;
  if (answer != SQLITE_OK || path == nullptr || witness == nullptr) return answer;
  one->witness = witness;
  one->path = const_cast<char*>(path);
  one->number = witness->opened(path, !there);
  one->syncs_folder = is_new_journal(flags);
  return answer;
}

int delete_file(sqlite3_vfs*, const char* path, int sync_folder) {
  file_witness* const witness = watching;
  const std::uint64_t number = witness == nullptr ? 0 : witness->opened(path, false);
  const int answer = real_vfs->xDelete(real_vfs, path, sync_folder);
  if (answer != SQLITE_OK || number == 0) return answer;
  witness->removed(path, number);
  if (sync_folder != 0) witness->synced_folder_of(path, witness->now());
  return answer;
}

}  // namespace

void watch_databases(file_witness* witness) {
  watching = witness;
  if (real_vfs != nullptr) return;
  sqlite3_initialize();
  real_vfs = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs;
  vfs = *real_vfs;  // what is not watched is the real one's, which uses nothing of `vfs`
  vfs.zName = "sluice-crash";
  vfs.szOsFile = static_cast<int>(sizeof(watched_file)) + real_vfs->szOsFile;
  vfs.pNext = nullptr;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  sqlite3_vfs_register(&vfs, 1);
}

}  // namespace sluice::catalog
