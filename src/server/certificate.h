// Where the server's certificate comes from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "net/tls_server.h"
#include "sluice/error.h"

namespace sluice::server {

struct tls_options {
  std::optional<net::tls_files> files;  // the operator's own
  bool automatic = false;               // or one that is made once and kept in the data folder
  [[nodiscard]] bool is_on() const noexcept { return files || automatic; }
};

// The certificate and key that are kept in `data_dir`, made there where they are not: tls.crt, and
// tls.key with mode 0600. `names` are those that clients may call this server by, besides
// localhost. Blocks; `data_dir` exists and is this server's alone.
//   not_allowed, no_space, io: it cannot be kept; the file is named
[[nodiscard]] result<net::tls_files> keep_certificate(const std::filesystem::path& data_dir,
                                                      const std::vector<std::string>& names);

}  // namespace sluice::server
