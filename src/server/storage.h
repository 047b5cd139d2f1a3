// What the server keeps on disk, opened: the folder, the catalog, and the use cases on both.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "access/gate.h"
#include "access/table.h"
#include "base/audit_log.h"
#include "catalog/database.h"
#include "sluice/error.h"
#include "store/file.h"
#include "store/store.h"
#include "talk/conversations.h"
#include "transfer/downloads.h"
#include "transfer/options.h"
#include "transfer/posters.h"
#include "transfer/scrub.h"
#include "transfer/small_files.h"
#include "transfer/tree.h"
#include "transfer/uploads.h"

namespace sluice::server {

struct storage_options {
  std::uint64_t reserve_bytes = 0;           // free space that uploads leave alone
  std::uint64_t partials_max_bytes = 0;      // all open uploads together; 0: no limit
  std::uint64_t scrub_bytes_per_second = 0;  // the most for each scrub; 0: no limit
  std::chrono::seconds upload_expiry = transfer::options().upload_expiry;
  transfer::durability syncs = transfer::durability::full;
  base::rights of_strangers;           // what is granted to those who say nothing of themselves
  store::file_layer* files = nullptr;  // outlives it; none: the system's own
};

// Made before anything is served, destroyed after the last session: its threads call back into
// sessions.
struct storage {
  // Errors: those of store::folder_store::open and catalog::database::open.
  [[nodiscard]] static result<std::unique_ptr<storage>> open(const std::filesystem::path& root,
                                                             const std::filesystem::path& data_dir,
                                                             const storage_options& options);

  std::unique_ptr<catalog::database> catalog;
  std::unique_ptr<transfer::site> site;
  std::shared_ptr<talk::conversations> talk;
  std::shared_ptr<base::audit_log> audit;
  std::unique_ptr<access::table> accounts;
  std::unique_ptr<transfer::name_keeper> links;  // what is renamed takes its links along
  std::unique_ptr<transfer::name_keeper> rooms;  // and its conversations
  std::unique_ptr<access::gate> gate;
  std::unique_ptr<transfer::uploads> uploads;
  std::unique_ptr<transfer::small_files> small_files;
  std::unique_ptr<transfer::downloads> downloads;
  std::unique_ptr<transfer::posters> posters;
  std::unique_ptr<transfer::tree> tree;
  std::unique_ptr<transfer::scrubs> scrubs;
};

}  // namespace sluice::server
