#include "server/storage.h"

#include "transfer/names.h"

namespace sluice::server {
namespace {

class link_keeper final : public transfer::name_keeper {
 public:
  explicit link_keeper(access::table& of) : table_(of) {}
  void begin_move(const std::string& from) override { table_.begin_move(from); }
  void end_move(const std::string& from, const std::optional<std::string>& to) override {
    table_.end_move(from, to);
  }

 private:
  access::table& table_;
};

// Where it got its name, `name_changes` tells the conversations once that is durable.
class room_keeper final : public transfer::name_keeper {
 public:
  explicit room_keeper(talk::conversations& of) : talk_(of) {}
  void begin_move(const std::string& from) override { talk_.begin_move(from); }
  void end_move(const std::string& from, const std::optional<std::string>& to) override {
    if (!to) talk_.not_moved(from);
  }

 private:
  talk::conversations& talk_;
};

std::optional<transfer::bound_place> bound_to(const access::table& table, const std::string& id) {
  auto place = table.place_of(id);
  if (!place) return std::nullopt;
  const auto& file = place->shared;
  return transfer::bound_place{std::move(place->path), {file.dev, file.ino, file.btime_ns}};
}

// What the use cases ask of the accounts.
void bind(transfer::site& where, access::table& accounts) {
  where.bound_to = [&accounts](const std::string& id) { return bound_to(accounts, id); };
  where.budget_of = [&accounts](const std::string& id) { return accounts.budget_of(id); };
}

result<catalog::file_identity> identify(const transfer::site& where, const std::string& path) {
  const auto parsed = store::rel_path::parse(path);
  if (!parsed) return std::unexpected(parsed.error());
  const auto there = where.store.stat(*parsed);
  if (!there) return std::unexpected(there.error());
  return transfer::to_catalog(there->id);
}

}  // namespace

result<std::unique_ptr<storage>> storage::open(const std::filesystem::path& root,
                                               const std::filesystem::path& data_dir,
                                               const storage_options& options) {
  const auto told = std::make_shared<transfer::events>();
  auto& system = options.files == nullptr ? store::linux_files() : *options.files;
  auto files = store::folder_store::open(system, root, data_dir,
                                         transfer::telling(told, options.reserve_bytes));
  if (!files) return std::unexpected(files.error());
  auto database = catalog::database::open(data_dir.empty() ? root / ".sluice" : data_dir);
  if (!database) return std::unexpected(database.error());

  transfer::options opts;
  opts.syncs = options.syncs;
  opts.partials_max_bytes = options.partials_max_bytes;
  opts.upload_expiry = options.upload_expiry;
  auto opened = std::make_unique<storage>();
  opened->catalog = std::move(*database);
  opened->site = std::make_unique<transfer::site>(transfer::site{
      .store = std::move(*files), .catalog = *opened->catalog, .opts = opts, .told = told});
  talk::options talks;
  talks.identify = [&where = *opened->site](const auto& path) { return identify(where, path); };
  opened->talk = talk::conversations::open(*opened->catalog, std::move(talks));
  opened->site->names = {
      .moved = [talk = opened->talk](const auto& from,
                                     const auto& to) { return talk->moved(from, to); },
      .removed = [talk = opened->talk](const auto& path) { return talk->removed(path); }};
  auto accounts = access::table::open(*opened->catalog, options.of_strangers);
  if (!accounts) return std::unexpected(accounts.error());
  opened->accounts = std::move(*accounts);
  auto audit = base::audit_log::open(data_dir.empty() ? root / ".sluice" : data_dir);
  if (!audit) return std::unexpected(audit.error());
  opened->audit = opened->site->audit = std::move(*audit);
  opened->accounts->record_in(opened->audit);
  opened->links = std::make_unique<link_keeper>(*opened->accounts);
  opened->rooms = std::make_unique<room_keeper>(*opened->talk);
  opened->site->keepers = {opened->links.get(), opened->rooms.get()};
  bind(*opened->site, *opened->accounts);
  opened->gate = std::make_unique<access::gate>(*opened->accounts);
  auto uploads = transfer::uploads::start(*opened->site);
  if (!uploads) return std::unexpected(uploads.error());
  opened->uploads = std::move(*uploads);
  opened->small_files = std::make_unique<transfer::small_files>(*opened->site);
  opened->downloads = std::make_unique<transfer::downloads>(*opened->site);
  opened->posters = std::make_unique<transfer::posters>(*opened->site);
  opened->tree = std::make_unique<transfer::tree>(*opened->site);
  opened->scrubs =
      std::make_unique<transfer::scrubs>(*opened->site, options.scrub_bytes_per_second);
  return opened;
}

}  // namespace sluice::server
