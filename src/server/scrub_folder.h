// A scrub of a served folder that no server serves now.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>

#include "sluice/error.h"
#include "transfer/scrub.h"

namespace sluice::server {

struct folder_scrub_options {
  std::filesystem::path root;          // the served folder
  std::filesystem::path data_dir;      // its state; empty: root/.sluice
  std::uint64_t bytes_per_second = 0;  // read at most so fast; 0: no limit
  bool record = false;                 // files without a record get one
  std::stop_token stop;
};

// Called on the caller's thread.
struct folder_scrub_watcher {
  std::function<void(const transfer::scrub_counts&, const std::string& path)> on_progress;
  std::function<void(const transfer::damage&)> on_damage;
};

// Blocks until all is read. Takes the data folder's lock meanwhile; uploads that a server left are
// not touched.
//   busy: a server uses the folder; not_found: no such folder, or nothing was ever recorded for it
//   and `record` is not asked for; cancelled; and those of store::folder_store::open,
//   catalog::database::open and transfer::scrub
[[nodiscard]] result<transfer::scrub_counts> scrub_folder(const folder_scrub_options& options,
                                                          const folder_scrub_watcher& watcher);

}  // namespace sluice::server
