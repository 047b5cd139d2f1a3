// What the store's tests share: a folder of their own, and a layer that fails as told.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "store/forwarding_files.h"
#include "store/store.h"

namespace sluice::store {

class faulty_files : public forwarding_files {
 public:
  faulty_files() : forwarding_files(linux_files()) {}

  // The answers that the next calls of this kind get instead of being made.
  void fail_next(file_call call, int answer, int times = 1) {
    for (int i = 0; i < times; ++i) faults_[call].push_back(answer);
  }
  void fail_always(file_call call, int answer) { always_[call] = answer; }

  // Every other call is interrupted, and no read or write moves more than `most_bytes`.
  void interrupt(bool on) { interrupting_ = on; }
  std::size_t most_bytes = ~std::size_t{0};

  // As a volume that makes no file without a name.
  bool no_tmpfile = false;

  // Runs once, before the next call of this kind.
  void before_next(file_call call, std::function<void()> action) {
    actions_[call] = std::move(action);
  }

  [[nodiscard]] int count(file_call call) const {
    const auto found = counts_.find(call);
    return found == counts_.end() ? 0 : found->second;
  }

  int openat2(int dir_fd, const char* path, int flags, mode_t mode,
              std::uint64_t resolve) override {
    if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) return -EOPNOTSUPP;
    return forwarding_files::openat2(dir_fd, path, flags, mode, resolve);
  }
  ssize_t pread(int fd, std::span<std::byte> out, std::int64_t offset) override {
    return forwarding_files::pread(fd, out.first(std::min(out.size(), most_bytes)), offset);
  }
  ssize_t pwrite(int fd, std::span<const std::byte> bytes, std::int64_t offset) override {
    return forwarding_files::pwrite(fd, bytes.first(std::min(bytes.size(), most_bytes)), offset);
  }

 protected:
  int before(file_call call) override {
    ++counts_[call];
    if (auto action = actions_.extract(call)) action.mapped()();
    if (const auto told = always_.find(call); told != always_.end()) return told->second;
    if (auto& waiting = faults_[call]; !waiting.empty()) {
      const int answer = waiting.front();
      waiting.erase(waiting.begin());
      return answer;
    }
    // close is never called again, so an interrupted one would leak here, as it does not on Linux.
    if (interrupting_ && call != file_call::close && (turn_ = !turn_)) return -EINTR;
    return 0;
  }

 private:
  std::map<file_call, int> counts_;
  std::map<file_call, int> always_;
  std::map<file_call, std::vector<int>> faults_;
  std::map<file_call, std::function<void()>> actions_;
  bool interrupting_ = false;
  bool turn_ = false;
};

// Beside each other: `root`, which is served, and `outside`, which is not.
class store_test : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    base = name;
    root = base / "root";
    outside = base / "outside";
    std::filesystem::create_directory(root);
    std::filesystem::create_directory(outside);
  }
  void TearDown() override { std::filesystem::remove_all(base); }

  folder_store opened(file_layer& files = linux_files(), const store_options& options = {}) {
    auto store = folder_store::open(files, root, {}, options);
    if (!store) throw std::runtime_error(store.error().message());
    return *store;
  }

  static rel_path at(std::string_view text) {
    auto path = rel_path::parse(text);
    if (!path) throw std::runtime_error(path.error().message());
    return *path;
  }
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }
  static partial_id id(unsigned char number) {
    partial_id made;
    made.bytes[15] = std::byte{number};
    return made;
  }

  void put(const std::filesystem::path& file, std::string_view text) const {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] static std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  // A partial with content, finished.
  static std::shared_ptr<partial> whole_partial(folder_store& store, const partial_id& name,
                                                std::string_view text) {
    auto made = store.create_partial(name, text.size());
    EXPECT_TRUE(made);
    EXPECT_TRUE((*made)->write(0, bytes(text)));
    EXPECT_TRUE((*made)->finish({.size_bytes = text.size(), .mtime_ns = 1'000'000'007}));
    return *made;
  }

  std::filesystem::path base;
  std::filesystem::path root;
  std::filesystem::path outside;
};

// The code of a failed result; fails the test for a success.
template <class T>
errc code_of(const result<T>& outcome) {
  EXPECT_FALSE(outcome.has_value());
  return outcome ? errc::internal : outcome.error().code;
}

}  // namespace sluice::store
