#include "server/scrub_folder.h"

#include <condition_variable>
#include <mutex>

#include "catalog/database.h"
#include "store/file.h"

namespace sluice::server {
namespace {

std::filesystem::path data_of(const folder_scrub_options& options) {
  return options.data_dir.empty() ? options.root / ".sluice" : options.data_dir;
}

// Without this, a look at a folder that was never served would make it one.
result<void> check_was_served(const folder_scrub_options& options) {
  std::error_code failed;
  if (!std::filesystem::is_directory(options.root, failed)) {
    return fail(errc::not_found, "scrub " + options.root.string() + ": no such folder");
  }
  if (options.record || std::filesystem::exists(data_of(options) / "catalog.db", failed)) return {};
  return fail(errc::not_found, "scrub " + options.root.string() + ": nothing was recorded in " +
                                   data_of(options).string() +
                                   ": name the served folder itself, --data where its state is "
                                   "elsewhere, or --record to begin now");
}

// False: stopped.
bool rest(const std::stop_token& stop, std::chrono::milliseconds pause) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, pause, [] { return false; });
  return !stop.stop_requested();
}

result<transfer::scrub_counts> run(transfer::site& where, const folder_scrub_options& options,
                                   const folder_scrub_watcher& watcher) {
  // The operator's own folder, at the operator's own machine.
  const auto all = base::permit_unasked<base::right::take>("");
  auto work = transfer::scrub::begin(where, all, options.record);
  if (!work) return std::unexpected(work.error());
  const auto step_bytes = transfer::scrub_step_bytes(options.bytes_per_second);
  const auto started = std::chrono::steady_clock::now();
  for (bool more = true; more;) {
    auto stepped = (*work)->next(step_bytes);
    if (!stepped) return std::unexpected(stepped.error());
    more = *stepped;
    for (const auto& found : (*work)->take_damages()) watcher.on_damage(found);
    watcher.on_progress((*work)->counts(), (*work)->path());
    const auto passed = std::chrono::steady_clock::now() - started;
    const auto bytes = (*work)->counts().bytes;
    if (more && !rest(options.stop, transfer::scrub_pause(options.bytes_per_second, bytes, passed)))
      return fail(errc::cancelled, "scrub " + options.root.string());
  }
  return (*work)->counts();
}

}  // namespace

result<transfer::scrub_counts> scrub_folder(const folder_scrub_options& options,
                                            const folder_scrub_watcher& watcher) {
  if (auto served = check_was_served(options); !served) return std::unexpected(served.error());
  auto files = store::folder_store::open(store::linux_files(), options.root, options.data_dir);
  if (!files) return std::unexpected(files.error());
  auto database = catalog::database::open(data_of(options));
  if (!database) return std::unexpected(database.error());
  transfer::site where{.store = std::move(*files), .catalog = **database, .opts = {}};
  return run(where, options, watcher);
}

}  // namespace sluice::server
