#include "server/storage.h"

namespace sluice::server {

result<std::unique_ptr<storage>> storage::open(const std::filesystem::path& root,
                                               const std::filesystem::path& data_dir) {
  auto files = store::folder_store::open(store::linux_files(), root, data_dir);
  if (!files) return std::unexpected(files.error());
  auto database = catalog::database::open(data_dir.empty() ? root / ".sluice" : data_dir);
  if (!database) return std::unexpected(database.error());

  auto opened = std::make_unique<storage>();
  opened->catalog = std::move(*database);
  opened->site = std::make_unique<transfer::site>(
      transfer::site{.store = std::move(*files), .catalog = *opened->catalog, .opts = {}});
  auto uploads = transfer::uploads::start(*opened->site);
  if (!uploads) return std::unexpected(uploads.error());
  opened->uploads = std::move(*uploads);
  opened->small_files = std::make_unique<transfer::small_files>(*opened->site);
  opened->downloads = std::make_unique<transfer::downloads>(*opened->site);
  opened->tree = std::make_unique<transfer::tree>(*opened->site);
  return opened;
}

}  // namespace sluice::server
