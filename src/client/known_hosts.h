// Certificates of servers that were seen before: a text file, a server a line, as ssh has one.
//
//   nas:8080 SHA256:2f4b...
//
// Lines that begin with '#', and those that are no such line, stay as they are.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.h"

namespace sluice::client {

struct known_host {
  std::string authority;    // "nas:8080", "[::1]:8080"
  std::string fingerprint;  // "SHA256:..."
};

// $XDG_CONFIG_HOME/sluice/known_hosts, or below ~/.config; empty where there is neither.
[[nodiscard]] std::string default_known_hosts();

// A value; all calls block. Several programs may change the file at the same time: they take turns,
// and who reads sees it whole. Errors: not_allowed, io, no_space with the file's name;
// invalid_argument: it is over 1 MiB.
class known_hosts {
 public:
  static constexpr std::size_t file_bytes_max = std::size_t{1} << 20;

  explicit known_hosts(std::filesystem::path file) : file_(std::move(file)) {}

  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

  // In the order of the file; none where it is absent.
  [[nodiscard]] result<std::vector<known_host>> list() const;

  // What is on record for a server. Where there is nothing, `fingerprint` is from now on, and
  // `is_new` says so.
  struct record {
    std::string fingerprint;
    bool is_new = false;
  };
  [[nodiscard]] result<record> find_or_add(const std::string& authority,
                                           const std::string& fingerprint) const;

  // Takes out the lines of "HOST:PORT", or of all ports of "HOST": how many.
  [[nodiscard]] result<std::size_t> forget(std::string_view host) const;

 private:
  std::filesystem::path file_;
};

}  // namespace sluice::client
