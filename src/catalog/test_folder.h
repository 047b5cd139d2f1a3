// For tests: a folder of their own that goes away with them, a catalog in it, and made-up rows.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "base/digest.h"
#include "catalog/database.h"

namespace sluice::catalog::test {

class folder {
 public:
  explicit folder(const std::filesystem::path& in = std::filesystem::temp_directory_path()) {
    std::string name = (in / "sluice-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Opens the catalog of `where`; the test ends here where that fails.
inline std::unique_ptr<database> open_in(const folder& where, options opts = {}) {
  auto opened = database::open(where.path(), opts);
  if (!opened) throw std::runtime_error(opened.error().message());
  return std::move(*opened);
}

inline base::digest128 digest_from(std::uint64_t number) {
  base::digest128 digest;
  std::memcpy(digest.bytes.data(), &number, sizeof number);
  return digest;
}

}  // namespace sluice::catalog::test
