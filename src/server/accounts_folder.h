// The accounts of a data folder that no server uses now.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/password.h"
#include "access/table.h"
#include "base/unique_fd.h"
#include "catalog/database.h"
#include "sluice/error.h"

namespace sluice::server {

// Holds the folder's lock, so that no server starts meanwhile. One thread; blocks.
class accounts_folder {
 public:
  // `data` is what "sluice serve" has for --data, DIR/.sluice by itself.
  //   busy: a server uses it; not_found: it is no data folder; and those of catalog::database::open
  [[nodiscard]] static result<accounts_folder> open(const std::filesystem::path& data);

  [[nodiscard]] access::table& table() noexcept { return *table_; }

  // Into the record, as the server does it: what was done to whom, by the user of this process.
  void note(std::string_view what, const std::string& whom, std::optional<errc> failed) const;

 private:
  accounts_folder() = default;

  base::unique_fd lock_;
  std::unique_ptr<catalog::database> catalog_;
  std::unique_ptr<access::table> table_;
};

}  // namespace sluice::server
