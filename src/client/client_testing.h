// What the tests of the engine share: a folder that goes away, content, an observer that remembers.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "client/client.h"

namespace sluice::client {

class test_folder {
 public:
  test_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-client-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~test_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  test_folder(const test_folder&) = delete;
  test_folder& operator=(const test_folder&) = delete;

  [[nodiscard]] std::string at(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] bool has(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path_ / name));
  }
  // All below, sorted.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& each : std::filesystem::recursive_directory_iterator(path_)) {
      all.push_back(std::filesystem::relative(each.path(), path_).string());
    }
    std::ranges::sort(all);
    return all;
  }

 private:
  std::filesystem::path path_;
};

// The same content for the same seed.
inline std::string content_of(std::size_t bytes, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::string content(bytes, '\0');
  for (std::size_t i = 0; i < bytes; i += 8) {
    const auto value = random();
    content.replace(i, std::min<std::size_t>(8, bytes - i), reinterpret_cast<const char*>(&value),
                    std::min<std::size_t>(8, bytes - i));
  }
  return content;
}

class memory_observer final : public observer {
 public:
  void on_progress(const progress& snapshot) override {
    if (phases.empty() || phases.back() != snapshot.now) phases.push_back(snapshot.now);
    last = snapshot;
    ++calls;
    if (on_call) on_call(snapshot);
  }
  void on_notice(std::string_view text) override { notices.emplace_back(text); }

  [[nodiscard]] bool saw(phase wanted) const {
    return std::ranges::find(phases, wanted) != phases.end();
  }

  std::vector<phase> phases;
  std::vector<std::string> notices;
  progress last;
  int calls = 0;
  std::function<void(const progress&)> on_call;
};

}  // namespace sluice::client
