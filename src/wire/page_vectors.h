// For tests: the byte vectors of docs/wire.md, section 10.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sluice::wire {

struct page_vector {
  std::string name;  // "PUT.join"
  std::vector<std::byte> bytes;

  [[nodiscard]] std::string_view kind_name() const {
    return std::string_view(name).substr(0, name.find('.'));
  }
};

namespace page_vectors_detail {

inline std::string section(const std::string& path) {
  std::ifstream file(path);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const auto heading = page.find("\n## 9. ");
  const auto begin = page.find("```\n", heading);
  const auto end = page.find("\n```", begin);
  if (heading == std::string::npos || end == std::string::npos) {
    throw std::runtime_error("no byte vectors in " + path);
  }
  return page.substr(begin + 4, end + 1 - (begin + 4));
}

inline std::vector<std::byte> from_hex(const std::string& name, const std::string& digits) {
  std::vector<std::byte> bytes(digits.size() / 2);
  if (!base::from_hex(digits, bytes)) throw std::runtime_error("bad hexadecimal of " + name);
  return bytes;
}

}  // namespace page_vectors_detail

// Throws where the page cannot be read as section 10 says.
inline std::vector<page_vector> read_page_vectors(const std::string& path) {
  std::istringstream lines(page_vectors_detail::section(path));
  std::vector<page_vector> vectors;
  std::string name;
  std::string digits;
  const auto finish = [&] {
    if (!name.empty()) vectors.push_back({name, page_vectors_detail::from_hex(name, digits)});
    name.clear();
    digits.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) {
      finish();
      continue;
    }
    std::istringstream words(line);
    std::string word;
    if (name.empty()) words >> name;
    while (words >> word) digits += word;
  }
  finish();
  return vectors;
}

}  // namespace sluice::wire
